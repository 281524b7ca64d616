import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionHolder, ConnectionLimit } from './connection-limit.ts';

type OnSocket = (error: Error | null, socket?: Duplex) => void;

/** What Node's agents open their connections by; its types leave it out, though the agents of others build on it. */
interface OpensSockets {
  createSocket(request: http.ClientRequest, options: http.ClientRequestArgs, onSocket: OnSocket): void;
}

const { createSocket } = http.Agent.prototype as unknown as OpensSockets;

/** An agent that is not the only one to have connections to its origin. */
export class LimitedAgent extends http.Agent implements ConnectionHolder, OpensSockets {
  readonly #limit: ConnectionLimit;
  /** Those that were never free: one that is made for a request that waits here is given to it by being so. */
  readonly #unused = new WeakSet<Duplex>();

  constructor(options: http.AgentOptions, limit: ConnectionLimit) {
    super(options);
    this.#limit = limit;
    limit.join(this);
    // Before the agent gives it to the next of its own requests.
    this.prependListener('free', (socket: Socket) => {
      if (!this.#unused.delete(socket) && limit.isWanted) socket.destroy();
    });
  }

  /** Opens a connection for a request once there is a slot for it, unless that is over by then. */
  createSocket(request: http.ClientRequest, options: http.ClientRequestArgs, onSocket: OnSocket): void {
    this.#limit.acquire(() => {
      if (request.destroyed) return false; // one without a connection does not say that it is over
      createSocket.call(this, request, options, onSocket);
      return true;
    });
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    const socket = super.createConnection(options) as Socket;
    this.#unused.add(socket);
    socket.once('close', () => this.#limit.release());
    return socket;
  }

  closeIdle(): boolean {
    const idle = Object.values(this.freeSockets)
      .flat()
      .find((socket) => socket && !socket.destroyed);
    idle?.destroy();
    return idle !== undefined;
  }
}
