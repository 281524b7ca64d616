import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { BareProxy } from '../../../../test/rig/bare-proxy.ts';
import { openSocket, sendRaw } from '../../../../test/rig/raw-http.ts';
import type { Script } from '../../../../test/rig/scripted-origin.ts';
import { until } from '../../../../test/rig/until.ts';

const H = 'Host: a.example\r\n';
const UPGRADE = `GET /chat HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n`;
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

/** Switches, says something at once, and sends back what it hears. */
function echo(heads: string[] = []): Script {
  return async (connection) => {
    heads.push(await connection.head());
    connection.send(`${SWITCHING}Sec-WebSocket-Accept: a\r\n\r\nwelcome`);
    for (;;) {
      const line = await connection.until('\n').catch(() => '');
      if (line === '') return connection.end();
      connection.send(line);
    }
  };
}

test('a connection that the origin switches is passed through, both ways', async () => {
  const heads: string[] = [];
  await using proxy = await BareProxy.start([echo(heads)]);
  const client = await openSocket(proxy.url);
  const received = watch(client);
  client.write(`${UPGRADE}\r\nearly\n`);
  await until(async () => received().endsWith('early\n'));
  const passed =
    'Sec-WebSocket-Accept: a\r\nVia: 1.1 velocity\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  assert.equal(received(), `HTTP/1.1 101 Switching Protocols\r\n${passed}\r\nwelcomeearly\n`);
  assert.match(
    heads[0] ?? '',
    /\r\nSec-WebSocket-Key: k\r\n.*\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n$/s,
  );
  client.write('later\n');
  await until(async () => received().endsWith('later\n'));
  assert.equal(proxy.tunnels.size, 1);
  client.end();
  await once(client, 'close');
  await proxy.origin.done();
  await until(async () => proxy.tunnels.size === 0);
});

test('an origin that leaves takes the client with it', async () => {
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      connection.send(`${SWITCHING}\r\n`);
      await connection.until('bye');
      connection.reset();
    },
  ]);
  const client = await openSocket(proxy.url);
  client.write(`${UPGRADE}\r\nbye`);
  client.resume();
  await once(client, 'close');
  await until(async () => proxy.tunnels.size === 0);
});

test('what is not a switch is an ordinary answer, and nothing behind it reaches the origin', async () => {
  const answer =
    'HTTP/1.1 426 Upgrade Required\r\nDate: x\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno';
  let rest = '';
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      connection.send(answer);
      await connection.closed;
      rest = connection.rest;
    },
  ]);
  const received = await sendRaw(proxy.url, `${UPGRADE}\r\nGET /smuggled HTTP/1.1\r\n${H}\r\n`);
  assert.equal(
    received,
    'HTTP/1.1 426 Upgrade Required\r\nDate: x\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n' +
      'Via: 1.1 velocity\r\nConnection: close\r\n\r\nno',
  );
  await proxy[Symbol.asyncDispose]();
  await proxy.origin.done();
  assert.equal(rest, '');
});

test('a switch to something else, and an origin that fails, are 502', async () => {
  const wrong = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
  for (const answer of [wrong, 'HTTP/1.1 101 Hi\r\n\r\n', 'nonsense\r\n']) {
    await using proxy = await BareProxy.start([
      async (connection) => {
        await connection.head();
        connection.send(answer);
        await connection.closed;
      },
    ]);
    assert.match(await sendRaw(proxy.url, `${UPGRADE}\r\n`), /^HTTP\/1\.1 502 /);
    await proxy.origin.done();
  }
});

test('other protocols are not asked of the origin, nor is a switch behind a body', async () => {
  const h2c = `GET / HTTP/1.1\r\n${H}Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`;
  const fat = `${UPGRADE}Connection: close\r\nContent-Length: 5\r\n\r\nhello`;
  const both = `GET / HTTP/1.1\r\n${H}Connection: Upgrade, close\r\nUpgrade: websocket, h2c\r\n\r\n`;
  for (const request of [h2c, fat, both]) {
    const heads: string[] = [];
    await using proxy = await BareProxy.start([
      async (connection) => {
        heads.push(await connection.head());
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        await connection.closed;
      },
    ]);
    assert.match(await sendRaw(proxy.url, request), /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(heads[0] ?? '', /upgrade/i);
  }
});

test('a tunnel in which nothing moves is cut, and there are no more than the limit', async () => {
  await using proxy = await BareProxy.start([echo(), echo()]);
  const clients = await Promise.all([1, 2].map(() => openSocket(proxy.url)));
  for (const client of clients) {
    const received = watch(client);
    client.write(`${UPGRADE}\r\n`);
    await until(async () => received().endsWith('welcome'));
  }
  assert.match(await sendRaw(proxy.url, `${UPGRADE}\r\n`), /^HTTP\/1\.1 503 /);
  const [talking, silent] = clients as [Socket, Socket];
  proxy.clock.advance(999);
  const heard = watch(talking);
  talking.write('hm\n');
  await until(async () => heard() === 'hm\n');
  const cut = once(silent, 'close');
  proxy.clock.advance(1);
  await cut;
  await until(async () => proxy.tunnels.size === 1);
  assert.equal(talking.destroyed, false);
});

function watch(socket: Socket): () => string {
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  return () => received;
}
