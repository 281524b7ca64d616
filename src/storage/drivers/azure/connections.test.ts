import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { connectionsTo } from './connections.ts';

/** A server that takes connections and says nothing. */
async function silentServer(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test('a connection whose TLS is not there after three seconds fails with ETIMEDOUT', async () => {
  const { server, port } = await silentServer();
  const clock = new ManualClock();
  const agent = connectionsTo(`https://127.0.0.1:${port}`, clock);
  const sending = requestTls({ host: '127.0.0.1', port, agent }).end();
  const failed = once(sending, 'error');
  const [socket] = await once(sending, 'socket');
  clock.advance(2_999);
  assert.equal(socket.destroyed, false);
  clock.advance(1);
  const [error] = await failed;
  assert.equal(error.code, 'ETIMEDOUT');
  agent.destroy();
  server.close();
});

test('a connection that is there is not cut, however long the answer takes', async () => {
  const { server, port } = await silentServer();
  const clock = new ManualClock();
  const agent = connectionsTo(`http://127.0.0.1:${port}`, clock);
  const sending = request({ host: '127.0.0.1', port, agent }).end();
  const [socket] = await once(sending, 'socket');
  await once(socket, 'connect');
  clock.advance(3_600_000);
  assert.equal(socket.destroyed, false);
  const closed = once(sending, 'error');
  agent.destroy();
  await closed;
  server.close();
});
