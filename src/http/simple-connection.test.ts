/** Simple requests that are handled without Node's parser, beside Node: both say the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { until } from '../../test/rig/until.ts';
import { systemClock } from '../base/clock.ts';
import { AnswerHead } from './answer-head.ts';
import { CountedResponse } from './counted-response.ts';
import { FastPath } from './fast-path.ts';
import type { SimpleMessage } from './simple-message.ts';
import type { SimpleResponse } from './simple-response.ts';

type Response = CountedResponse | SimpleResponse;
type Message = IncomingMessage | SimpleMessage;

const LARGE = Buffer.alloc(200_000, 'x');

/** What handlers do, by target. All of them end the answer, but `/waits`. */
const HANDLERS: Readonly<Record<string, (response: Response, message: Message) => void>> = {
  '/echo': (response, { method, url, httpVersion, rawHeaders, headers }) => {
    const body = JSON.stringify({ method, url, httpVersion, rawHeaders, headers: { ...headers } });
    response.writeHead(200, 'OK', ['Content-Length', String(body.length)]);
    response.end(body);
  },
  '/chunks': (response) => {
    response.writeHead(200, 'OK', ['X-A', 'b']);
    response.write('a');
    setImmediate(() => response.end('bc'));
  },
  '/no-chunks': (response) => void response.writeHead(200, 'OK', []).end(),
  '/large': (response) => void response.writeHead(200, 'OK', ['Content-Length', '200000']).end(LARGE),
  '/large-chunks': (response) => {
    response.writeHead(200, 'OK', []);
    response.write(LARGE);
    response.end(LARGE.subarray(1));
  },
  '/head-first': (response) => {
    response.writeHead(200, 'OK', ['Content-Length', '2']);
    response.flushHeaders();
    setImmediate(() => response.end('ok'));
  },
  '/no-content': (response) => void response.writeHead(204, 'No Content', []).end(),
  '/not-modified': (response) => void response.writeHead(304, 'Not Modified', ['ETag', '"1"']).end('dropped'),
  '/odd': (response) => void response.writeHead(299, '', ['Content-Length', '0', 'Date', 'soon']).end(),
  '/problem': (response) => void response.writeHead(502, ['content-length', '2']).end('no'),
  '/named': (response) => {
    response.writeHead(200, 'OK', ['X-Request-Id', 'own', 'Content-Length', '0']);
    response.end();
  },
  '/hints': (response) => {
    response.writeInformation(103, ['Link', '</a>', 'X', '\xe9']);
    response.writeHead(200, 'OK', ['Content-Length', '0']).end();
  },
  '/last': (response) => {
    response.shouldKeepAlive = false;
    response.writeHead(200, 'OK', ['Content-Length', '2']).end('ok');
  },
  '/cut': (response) => {
    response.writeHead(200, 'OK', ['Content-Length', '10']);
    response.write('hello', () => response.destroy());
  },
  '/refused': (response) => {
    for (const [name, value] of [
      ['X: y', 'a'],
      ['X', 'a\r\nY: b'],
      ['X', '\0'],
      ['X', '€'],
    ] as const)
      assert.throws(() => response.writeHead(200, 'OK', [name, value]), TypeError);
    response.writeHead(200, 'OK', ['Content-Length', '0']).end();
  },
};

const underWay: Response[] = [];
const handled = new Map<string, number>();
let byHeart = 0;

function handle(message: Message, response: Response): void {
  response.requestId = 'id';
  const [path = ''] = (message.url ?? '').split('?');
  handled.set(path, (handled.get(path) ?? 0) + 1);
  if (path === '/waits') underWay.push(response);
  else if (HANDLERS[path]) HANDLERS[path](response, message);
  else response.writeHead(404, 'Not Found', ['Content-Length', '0']).end();
}

const counted = { ServerResponse: CountedResponse, IncomingMessage, keepAliveTimeout: 72_000 };
let plain: Server;
let simple: Server;
let path: FastPath;

before(async () => {
  [plain, simple] = [0, 1].map(() => createServer(counted, handle)) as [Server, Server];
  // As where Node's parser gets what was handed over.
  for (const server of [plain, simple])
    server.on('connection', (socket: Socket) => socket.on('data', () => {}));
  path = openPath(simple);
  for (const server of [plain, simple]) await once(server.listen(0, '127.0.0.1'), 'listening');
});
after(() => {
  for (const server of [plain, simple]) server.close().closeAllConnections();
  path.cutAll();
});

function openPath(server: Server): FastPath {
  const head = new AnswerHead(['Content-Length', '2']);
  return FastPath.before(server, {
    clock: systemClock,
    records: { ended: () => void byHeart++ },
    answer: ({ target }) =>
      target === '/known'
        ? { head, body: Buffer.from('ok'), route: '/known', tokenId: undefined }
        : undefined,
    handle,
    stallTimeout: 30_000,
  });
}

function get(target: string, ...more: string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${more.map((line) => `${line}\r\n`).join('')}\r\n`;
}

async function open(server: Server): Promise<{ socket: Socket; atServer: Socket; text: () => string }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  let text = '';
  socket.setNoDelay(true).setEncoding('latin1');
  socket
    .on('error', () => {})
    .on('data', (chunk: string) => {
      text += chunk;
    });
  const [atServer] = await accepted;
  return { socket, atServer, text: () => text };
}

/** All that comes back for these requests, each sent once the one before was answered. */
async function exchange(server: Server, requests: readonly string[]): Promise<string> {
  const { socket, atServer, text } = await open(server);
  const closed = once(socket, 'close');
  let isOver = false;
  closed.finally(() => {
    isOver = true;
  });
  for (const request of requests) {
    const [before, answers] = [atServer.bytesRead, text().length];
    socket.write(request, 'latin1');
    await until(
      async () => isOver || (atServer.bytesRead > before && isWhole(text().slice(answers), request)),
    );
    if (isOver) break;
  }
  socket.end();
  await closed;
  return text().replaceAll(/Date: \w{3}, [^\r]*/g, 'Date: NOW');
}

function isWhole(text: string, request: string): boolean {
  const final = text.replace(/^(?:HTTP\/1\.1 103 [\s\S]*?\r\n\r\n)*/, '');
  const [head = '', ...rest] = final.split('\r\n\r\n');
  if (rest.length === 0) return false;
  const body = rest.join('\r\n\r\n');
  if (request.startsWith('HEAD') || /^HTTP\/1\.1 (?:204|304)/.test(head)) return true;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
}

async function assertSame(...requests: string[]): Promise<string> {
  const expected = await exchange(plain, requests);
  const actual = await exchange(simple, requests);
  assert.equal(actual, expected);
  return actual;
}

for (const target of [...Object.keys(HANDLERS), '/nowhere'])
  for (const method of ['GET', 'HEAD'])
    test(`${method} ${target} is answered byte for byte as by Node, twice on a connection`, async () => {
      const request = get(target, 'User-Agent: x').replace('GET', method);
      const text = await assertSame(request, request);
      if (target !== '/cut') assert.match(text, /^HTTP\/1\.1 /);
    });

test('whatever is asked for, in whatever order, both say the same', async () => {
  const targets = Object.keys(HANDLERS).filter((target) => target !== '/cut');
  const request = fc
    .record({
      method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST'),
      target: fc.constantFrom(...targets, '/known-not', '/echo?a=b', 'http://a/echo'),
      lines: fc.uniqueArray(
        fc.constantFrom(
          ...['Accept: */*', 'Cookie: a=b; c=d', 'Cookie: e=f', 'X-Forwarded-For: 192.0.2.1', 'X-B3-Id: 1'],
          ...['Range: bytes=0-1', 'If-None-Match: "1"', 'Authorization: Bearer x', 'Cache-Control: no-cache'],
          ...['Connection: keep-alive', 'Connection: close', 'TE: trailers', 'Expect: nothing', 'x_y: z'],
          ...['Content-Length: 0', 'Keep-Alive: timeout=1', 'User-Agent:  padded ', 'X-Empty:'],
        ),
        { maxLength: 5 },
      ),
    })
    .map(({ method, target, lines }) => get(target, ...lines).replace('GET', method));
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), async (requests) => {
      await assertSame(...requests);
    }),
    { numRuns: 150 },
  );
});

test('what is known by heart is answered at once before and after what is not, on one connection', async () => {
  const earlier = byHeart;
  const text = await exchange(simple, [get('/known'), get('/echo'), get('/chunks'), get('/known')]);
  assert.equal(text.match(/200 OK/g)?.length, 4);
  assert.equal(byHeart, earlier + 2);
});

test('of two requests at once the second is answered after the first, though it is known by heart', async () => {
  const { socket, text } = await open(simple);
  socket.write(get('/waits'));
  const response = await nextUnderWay();
  socket.write(get('/known'));
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(text(), '');
  response.writeHead(200, 'OK', ['Content-Length', '5']).end('first');
  await until(async () => /first[\s\S]*\r\n\r\nok$/.test(text()));
  socket.write(get('/echo'));
  await until(async () => text().includes('"/echo"'));
  socket.destroy();
});

test('a client that leaves is told of to who handles its request', async () => {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const { socket } = await open(simple);
    socket.write(get('/waits'));
    const response = await nextUnderWay();
    const closed = once(response, 'close');
    socket[how]();
    await closed;
    assert.equal(response.writableFinished, false);
    assert.equal(response.destroyed, true);
    response.end('late');
    socket.destroy();
  }
});

test('who waits for us is let wait, and who does not take what is sent is cut off in time', async () => {
  const { socket, atServer } = await open(simple);
  socket.write(get('/waits'));
  const response = await nextUnderWay();
  assert.equal(atServer.timeout, 30_000);
  atServer.emit('timeout');
  assert.equal(atServer.destroyed, false);
  socket.pause();
  response.writeHead(200, 'OK', []);
  while (response.write(LARGE));
  const closed = once(response, 'close');
  atServer.emit('timeout');
  await closed;
  assert.equal(atServer.destroyed, true);
  assert.equal(response.writableFinished, false);
  socket.destroy();
});

test('draining lets an answer that is under way go out, and closes its connection then', async () => {
  const server = createServer(counted, handle);
  const drained = openPath(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { socket, text } = await open(server);
  socket.write(get('/waits'));
  const response = await nextUnderWay();
  const closed = once(server, 'close');
  server.close();
  drained.drain();
  response.writeHead(200, 'OK', ['Content-Length', '2']).end('ok');
  await closed;
  await until(async () => text().endsWith('\r\n\r\nok'));
  socket.destroy();
});

test('draining lets a request be answered that has come while another was', async () => {
  const server = createServer(counted, handle);
  const drained = openPath(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { socket, atServer, text } = await open(server);
  socket.write(get('/waits'));
  const response = await nextUnderWay();
  const before = atServer.bytesRead;
  socket.write(get('/echo'));
  await until(async () => atServer.bytesRead > before);
  const closed = once(server, 'close');
  server.close();
  drained.drain();
  response.writeHead(200, 'OK', ['Content-Length', '2']).end('ok');
  await closed;
  await until(async () => text().includes('"/echo"'));
  socket.destroy();
});

test('memory is bounded: who handles a request is told to wait while the client takes nothing', async () => {
  const { socket } = await open(simple);
  socket.write(get('/waits'));
  const response = await nextUnderWay();
  socket.pause();
  response.writeHead(200, 'OK', []);
  let written = 0;
  while (response.write(LARGE)) written += LARGE.length;
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.ok(response.writableNeedDrain || response.write(LARGE));
  assert.ok(written < 64 * 1024 * 1024);
  const drained = once(response, 'drain');
  socket.resume();
  await drained;
  const ended = once(response, 'close');
  response.end();
  await ended;
  assert.equal(response.writableFinished, true);
  socket.destroy();
});

async function nextUnderWay(): Promise<Response> {
  await until(async () => underWay.length > 0);
  return underWay.pop() as Response;
}
