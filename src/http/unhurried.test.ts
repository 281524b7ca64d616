import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { unhurried } from './unhurried.ts';

test('a connection has no limit while the server is at work, and its own again afterwards', async () => {
  const socket = new Socket();
  socket.setTimeout(60_000);
  const request = { socket } as IncomingMessage;
  assert.equal(await unhurried(request, async () => socket.timeout), 0);
  assert.equal(socket.timeout, 60_000);
  await assert.rejects(unhurried(request, () => Promise.reject(new Error('no'))));
  assert.equal(socket.timeout, 60_000);
  socket.destroy();
});

test('a connection on which the server is at work for two requests has its limit again after the last of them', async () => {
  const socket = new Socket();
  socket.setTimeout(60_000);
  const request = { socket } as IncomingMessage;
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const works = [first, second].map(({ promise }) => unhurried(request, () => promise));
  first.resolve();
  await works[0];
  assert.equal(socket.timeout, 0);
  second.resolve();
  await works[1];
  assert.equal(socket.timeout, 60_000);
  socket.destroy();
});
