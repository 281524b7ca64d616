import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { KEPT_CONNECTIONS } from '../../kept-connections.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Connections of one store. One that is not there in time fails with `ETIMEDOUT`; the SDK's
 * own agent would wait as long as the operating system does, and could not be closed with the store.
 */
export function connectionsTo(endpoint: string, clock: Clock): HttpAgent | HttpsAgent {
  const isTls = endpoint.startsWith('https:');
  const agent = isTls ? new HttpsAgent(KEPT_CONNECTIONS) : new HttpAgent(KEPT_CONNECTIONS);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    if (socket) limitConnecting(socket, isTls ? 'secureConnect' : 'connect', clock);
    return socket;
  };
  return agent;
}

function limitConnecting(socket: Duplex, connected: string, clock: Clock): void {
  const tooLate = Object.assign(new Error(`no connection after ${CONNECT_TIMEOUT_MS} ms`), {
    code: 'ETIMEDOUT',
  });
  const cancel = clock.after(CONNECT_TIMEOUT_MS, () => socket.destroy(tooLate));
  socket.once(connected, cancel);
  socket.once('close', cancel);
}
