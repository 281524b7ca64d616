/** The fast path beside Node's parser alone: whatever is sent, both say the same. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Registry } from '@prometheus-io/client';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { until } from '../../test/rig/until.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { openLogger } from '../telemetry/logger.ts';
import { AnswerHead } from './answer-head.ts';
import { FastPath } from './fast-path.ts';
import { httpMetrics } from './metrics.ts';
import { RequestRecords } from './request-records.ts';
import { simpleRequestIn } from './simple-request.ts';

const BODIES: Readonly<Record<string, Buffer>> = {
  '/hot': Buffer.from('known by heart'),
  '/hot?of=some': Buffer.alloc(50_000, 'x'),
  '/hot?of=many': Buffer.alloc(70_000, 'x'),
  '/empty': Buffer.alloc(0),
};
const SECRET = 'Bearer right';

function fieldsOf(body: Buffer): string[] {
  return ['content-type', 'text/plain', 'content-length', String(body.length), 'etag', '"1"'];
}

/** What both servers do with a request that reaches Node's parser. */
function handle(request: IncomingMessage, response: ServerResponse): void {
  let received = 0;
  response.setHeader('x-request-id', randomUUID());
  request.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    const body = BODIES[url];
    if (body && headers.authorization === SECRET && (method === 'GET' || method === 'HEAD')) {
      response.writeHead(200, fieldsOf(body));
      response.end(method === 'GET' ? body : undefined);
      return;
    }
    const words = `${method} ${url} ${headers.host ?? ''} ${headers.authorization ?? ''} ${received}`;
    response.writeHead(404, ['content-length', String(Buffer.byteLength(words))]);
    response.end(method === 'HEAD' ? undefined : words);
  });
}

let plain: Server;
let fast: Server;
let fastPath: FastPath;
let answered = 0;
const registry = new Registry();
const lines: Record<string, unknown>[] = [];

before(async () => {
  [plain, fast] = [createServer(handle), createServer(handle)];
  // Node parses what it reads from a plain socket itself, and what comes by `data` (TLS, or what was handed over) in
  // another order: good requests with garbage after them in one read have answers there, and only a 400 here. Whoever
  // listens to `data` makes it the second, always.
  for (const server of [plain, fast])
    server.on('connection', (socket: Socket) => socket.on('data', () => {}));
  const logger = openLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const [metrics, clock] = [httpMetrics(registry), systemClock];
  fastPath = FastPath.before(fast, {
    clock,
    records: new RequestRecords({ logger, metrics, clock, requestLog: 'all' }),
    answer: ({ method, target, authorization }) => {
      const body = BODIES[target];
      if (!body || authorization !== SECRET) return undefined;
      answered++;
      const head = new AnswerHead(fieldsOf(body));
      return { head, body: method === 'GET' ? body : Buffer.alloc(0), route: '/hot', tokenId: 'somebody' };
    },
  });
  for (const server of [plain, fast]) {
    server.keepAliveTimeout = 72_000;
    await once(server.listen(0, '127.0.0.1'), 'listening');
  }
});
after(() => {
  for (const server of [plain, fast]) {
    server.close();
    server.closeAllConnections();
  }
  fastPath.cutAll();
});

function open(server: Server): Socket {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  return socket.setNoDelay(true).on('error', () => {});
}

/**
 * All that comes back for these pieces until the server has closed; ids and dates taken out. Each piece is sent once the
 * server has read the ones before: two in one read are another exchange, which Node answers otherwise.
 */
async function exchange(server: Server, pieces: readonly string[]): Promise<string> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = open(server);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  const [atServer] = await accepted;
  let sent = 0;
  for (const piece of pieces) {
    if (atServer.destroyed) break;
    socket.write(piece, 'latin1');
    sent += piece.length;
    while (!atServer.destroyed && atServer.bytesRead < sent) await setImmediate();
  }
  socket.end();
  await closed;
  return text
    .replaceAll(/x-request-id: [0-9a-f-]{36}/g, 'x-request-id: ID')
    .replaceAll(/Date: [^\r]*/g, 'Date: NOW');
}

async function assertSame(...pieces: string[]): Promise<string> {
  const [expected, actual] = await Promise.all([exchange(plain, pieces), exchange(fast, pieces)]);
  assert.equal(actual, expected);
  return actual;
}

function get(target = '/hot', ...more: string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: ${SECRET}\r\n${more.map((line) => `${line}\r\n`).join('')}\r\n`;
}

for (const target of Object.keys(BODIES))
  for (const method of ['GET', 'HEAD'])
    test(`${method} ${target}, known by heart, is answered byte for byte as by Node, and not by it`, async () => {
      const earlier = answered;
      const text = await assertSame(
        get(target, 'User-Agent: x/1', 'Connection: keep-alive').replace('GET', method),
      );
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.equal(answered, earlier + 1);
    });

/** Of https://www.rfc-editor.org/rfc/rfc9112#section-11.2 and around it. */
const BENT: Readonly<Record<string, string>> = {
  'both lengths': get('/hot', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  'two lengths': get('/hot', 'Content-Length: 5', 'Content-Length: 6'),
  'a length and what follows it': `${get('/hot', 'Content-Length: 5')}GET /`,
  'an unknown coding': get('/hot', 'Transfer-Encoding: xchunked'),
  'a coding hidden by a space': get('/hot', 'Transfer-Encoding : chunked'),
  'a folded line': get('/hot', 'X-A: b\r\n Content-Length: 5'),
  'a bare LF': get('/hot', 'X-A: b\nContent-Length: 5'),
  'a bare CR': get('/hot', 'X-A: b\rContent-Length: 5'),
  'NUL in a value': get('/hot', 'User-Agent: a\0b'),
  'no host': get().replace('Host: a\r\n', ''),
  'two hosts': get('/hot', 'Host: b'),
  'an empty host': get().replace('Host: a', 'Host:'),
  'an absolute target': get('http://other/hot'),
  'an asterisk': get('*'),
  'HTTP/1.0': get().replace('1.1', '1.0'),
  'HTTP/2.0': get().replace('1.1', '2.0'),
  Expect: get('/hot', 'Expect: 100-continue'),
  Upgrade: get('/hot', 'Connection: upgrade', 'Upgrade: h2c'),
  'Connection: close': get('/hot', 'Connection: close'),
  'two in one piece': get() + get('/empty'),
  'one and a half': get() + get().slice(0, 30),
  'trailing bytes': `${get()}xx`,
  'an empty line before it': `\r\n${get()}`,
  'small letters': get().replace('GET', 'get'),
  'two authorizations': get('/hot', 'Authorization: Bearer wrong'),
  'another one’s authorization': get().replace('right', 'wrong'),
  'spaces around a value': get().replace(`Authorization: ${SECRET}`, `Authorization:   ${SECRET}  `),
};

for (const [what, bytes] of Object.entries(BENT))
  test(`${what}: as Node says`, async () => {
    await assertSame(bytes);
    await assertSame(get(), bytes);
  });

test('a request in two pieces is Node’s, and so is all that comes after it on the connection', async () => {
  const text = await assertSame(get(), get().slice(0, 25), get().slice(25), get('/empty'), get('/nowhere'));
  assert.equal(text.match(/200 OK/g)?.length, 3);
});

test('whatever is sent in whatever pieces, both say the same', async () => {
  const lines = fc.constantFrom(
    ...[
      'Host: a',
      `Authorization: ${SECRET}`,
      'Accept: */*',
      'Accept-Encoding: gzip',
      'User-Agent: x',
      'Connection: keep-alive',
    ],
    ...[
      'Content-Length: 3',
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
      'Range: bytes=0-1',
      'If-None-Match: "1"',
    ],
    ...[
      'X-Odd:',
      'x-artifact-client-ci: 1',
      ' folded',
      'No colon',
      'Spaced : 1',
      'Cookie: a=b',
      'Trailer: x',
      'TE: trailers',
    ],
  );
  const request = fc
    .record({
      method: fc.constantFrom('GET', 'HEAD', 'PUT', 'OPTIONS'),
      target: fc.constantFrom(
        '/hot',
        '/hot?of=many',
        '/empty',
        '/nowhere',
        '/h%6ft',
        '//hot',
        '/hot#x',
        '/hot x',
      ),
      host: fc.boolean(),
      lines: fc.array(lines, { maxLength: 4 }),
      end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', ''),
      body: fc.constantFrom('', '', 'abc', '0\r\n\r\n'),
    })
    .map(({ method, target, host, lines, end, body }) => {
      const head = [
        `${method} ${target} HTTP/1.1`,
        ...(host ? ['Host: a', `Authorization: ${SECRET}`] : []),
        ...lines,
      ];
      return `${head.join('\r\n')}\r\n${end}${body}`;
    });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (requests, isOne) => {
        await assertSame(...(isOne ? [requests.join('')] : requests));
      },
    ),
    { numRuns: 250 },
  );
});

test('what is a simple request in one piece is none with any byte of it missing', () => {
  const whole = get('/hot', 'User-Agent: x');
  assert.deepEqual(simpleRequestIn(Buffer.from(whole)), {
    method: 'GET',
    target: '/hot',
    authorization: SECRET,
    host: 'a',
    fields: ['Host', 'a', 'Authorization', SECRET, 'User-Agent', 'x'],
    isHarmless: true,
  });
  for (let length = 0; length < whole.length; length++)
    assert.equal(simpleRequestIn(Buffer.from(whole.slice(0, length))), undefined);
});

for (const target of ['/hot?of=some', '/hot?of=many'])
  test(`whoever does not read is sent no more than fits, and the rest when they do: ${target}`, async () => {
    const socket = open(fast).pause();
    await once(socket, 'connect');
    const earlier = answered;
    let asked = 0;
    // Until the server leaves requests unread; a connection holds some MiB in all.
    for (; asked < 2_000 && answered - earlier > asked - 50; asked++) {
      const before = answered;
      socket.write(get(target));
      for (let turn = 0; turn < 10 && answered === before; turn++) await setImmediate();
    }
    assert.ok(answered - earlier < asked, `${answered - earlier} of ${asked}`);
    const expected = asked * (BODIES[target]?.length ?? 0);
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.resume();
    await until(async () => received > expected);
    socket.destroy();
  });

test('an answer that is kept ready is the same as by Node each time, but for its id', async () => {
  const pieces = Array.from({ length: 4 }, () => get('/hot?of=some'));
  assert.equal(await exchange(fast, pieces), await exchange(plain, pieces));
});

test('an answer that is kept ready stays as it is while a slow reader has not taken it', async () => {
  const socket = open(fast).pause();
  await once(socket, 'connect');
  const earlier = answered;
  let asked = 0;
  for (; asked < 2000 && answered - earlier > asked - 50; asked++) {
    socket.write(get('/hot?of=some'));
    await setImmediate();
  }
  const ofOthers = await exchange(fast, [get('/hot?of=some')]);
  assert.ok(ofOthers.endsWith('x'.repeat(100)));
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.resume().end();
  await once(socket, 'close');
  const ids = [...text.matchAll(/x-request-id: ([0-9a-f-]{36})\r\n/g)].map(([, id]) => id);
  assert.ok(ids.length > 0 && new Set(ids).size === ids.length, 'each has an id of its own');
  const bodies = text.split(/HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n/).slice(1);
  assert.equal(bodies.length, ids.length);
  for (const body of bodies) assert.equal(body, 'x'.repeat(50_000));
});

test('answers are counted and written down like all others, without their query', async () => {
  lines.length = 0;
  await exchange(fast, [get('/hot?of=many')]);
  await until(async () => lines.length > 0);
  const [{ requestId, ms, ...line } = {}] = lines;
  assert.match(String(requestId), /^[0-9a-f-]{36}$/);
  assert.equal(typeof ms, 'number');
  for (const key of ['level', 'time']) delete (line as Record<string, unknown>)[key];
  assert.deepEqual(line, {
    method: 'GET',
    path: '/hot',
    status: 200,
    tokenId: 'somebody',
    message: 'request',
  });
  assert.match(
    await registry.metrics(),
    /vc_http_requests_total\{route="\/hot",method="GET",code="200"\} \d/,
  );
});

describe('a connection that waits for its next request', () => {
  /** What Node gives it: a little more than clients are told. */
  const KEPT_MS = 73_000;

  test('is kept for as long as by Node', async () => {
    const accepted = once(plain, 'connection') as Promise<[Socket]>;
    const socket = open(plain);
    const [atServer] = await accepted;
    socket.write(get());
    await once(socket, 'data');
    await until(async () => Number(atServer.timeout) > 0);
    assert.equal(atServer.timeout, KEPT_MS);
    socket.destroy();
  });

  test('is kept from its last request on, and closed after that', async () => {
    const clock = new ManualClock();
    const { server, drain } = await openDrainable(Buffer.from('known by heart'), { clock });
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = open(server);
    const [atServer] = await accepted;
    for (let request = 0; request < 3; request++) {
      clock.advance(KEPT_MS - 1);
      socket.write(get());
      await once(socket, 'data');
    }
    clock.advance(KEPT_MS - 1);
    assert.equal(atServer.destroyed, false);
    const closed = once(socket, 'close');
    clock.advance(1);
    await closed;
    await drain();
  });

  test('is not closed while an answer is still being taken', async () => {
    const clock = new ManualClock();
    const { server, drain } = await openDrainable(Buffer.alloc(30 * 2 ** 20, 'x'), { clock });
    const slow = open(server).pause();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    slow.write(get());
    const [atServer] = await accepted;
    await until(async () => atServer.writableLength > 0);
    clock.advance(3 * KEPT_MS);
    assert.deepEqual([atServer.destroyed, atServer.timeout], [false, KEPT_MS]);
    slow.resume();
    await until(async () => atServer.timeout === 0);
    clock.advance(KEPT_MS - 1);
    assert.equal(atServer.destroyed, false);
    const closed = once(slow, 'close');
    clock.advance(1);
    await closed;
    await drain();
  });
});

/** A server of its own that knows one answer by heart. */
async function openDrainable(
  body: Buffer,
  { lend, clock = systemClock }: { readonly lend?: () => () => void; readonly clock?: Clock } = {},
) {
  const server = createServer({ keepAliveTimeout: 72_000 }, handle);
  const head = new AnswerHead(['content-length', String(body.length)]);
  const path = FastPath.before(server, {
    clock,
    records: new RequestRecords({
      logger: openLogger('silent'),
      metrics: httpMetrics(new Registry()),
      clock,
      requestLog: 'none',
    }),
    answer: () => ({ head, body, lend, route: '/hot', tokenId: 'somebody' }),
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const drain = (): Promise<unknown> => {
    const closed = once(server, 'close');
    server.close();
    path.drain();
    return closed;
  };
  return { server, drain };
}

test('draining closes the connections that wait, also where the client does not', async () => {
  const { server, drain } = await openDrainable(Buffer.from('known by heart'));
  const { port } = server.address() as AddressInfo;
  const idle = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume();
  idle.write(get());
  await once(idle, 'data');
  const ended = once(idle, 'end');
  await drain();
  await ended;
  idle.destroy();
});

test('draining lets an answer that is under way go out whole, and closes its connection then', async () => {
  const body = Buffer.alloc(30 * 2 ** 20, 'x');
  const { server, drain } = await openDrainable(body);
  const slow = open(server).pause();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  slow.write(get());
  const [atServer] = await accepted;
  await until(async () => atServer.writableLength > 0);
  const closed = drain();
  let received = 0;
  slow.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  slow.resume();
  await closed;
  await once(slow, 'close');
  assert.ok(received > body.length, `${received} of ${body.length}`);
});

test('a body that waits to be sent is lent until it has gone, or whoever reads it has', async () => {
  for (const end of ['read', 'leave'] as const) {
    let [loans, lent] = [0, 0];
    const { server, drain } = await openDrainable(Buffer.alloc(30 * 2 ** 20, 'x'), {
      lend: () => {
        loans++;
        lent++;
        return () => void lent--;
      },
    });
    const slow = open(server).pause();
    slow.write(get());
    await until(async () => loans > 0);
    assert.equal(lent, 1);
    if (end === 'read') slow.resume();
    else slow.destroy();
    await until(async () => lent === 0);
    assert.equal(loans, 1);
    slow.destroy();
    await drain();
  }
});

test('what goes out at once is not lent, nor what was copied', async () => {
  for (const [bytes, isRead] of [
    [70_000, true],
    [60_000, false],
  ] as const) {
    let loans = 0;
    const { server, drain } = await openDrainable(Buffer.alloc(bytes, 'x'), {
      lend: () => {
        loans++;
        return () => {};
      },
    });
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = open(server).pause();
    const [atServer] = await accepted;
    if (isRead) socket.resume();
    socket.write(get());
    await until(async () => (isRead ? socket.bytesRead > bytes : atServer.bytesWritten > bytes));
    while (!isRead && atServer.writableLength === 0) {
      socket.write(get());
      await setImmediate();
    }
    assert.equal(loans, 0);
    socket.destroy();
    await drain();
  }
});

test('what comes while a connection is being closed is dropped, and what comes on a new one is Node’s', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end();
  });
  const records = { ended() {} } as unknown as RequestRecords;
  const path = FastPath.before(server, { clock: systemClock, records, answer: () => undefined });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const late = open(server);
  const [atServer] = await accepted;
  path.drain();
  atServer.emit('data', Buffer.from(get('/nowhere')));
  late.resume();
  await once(late, 'close');
  assert.equal(asked, 0);
  await exchange(server, [get()]);
  assert.equal(asked, 1);
  server.close();
});
