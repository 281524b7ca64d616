/** What goes over the wire of what is stored, byte by byte where it matters. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { ask } from '../../../../test/rig/ask.ts';
import { CachingServer, type CachingServerOptions } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openSocket, readAll, sendRaw } from '../../../../test/rig/raw-http.ts';
import { type Script, ScriptedOrigin } from '../../../../test/rig/scripted-origin.ts';
import { until } from '../../../../test/rig/until.ts';

const H = 'Host: a.example\r\n';
const CLOSE = `${H}Connection: close\r\n`;

/** Answers all requests with one text each, in turn; the last for all that follow. */
function answering(texts: readonly string[], heads: string[] = []): Script {
  return async (connection) => {
    for await (const head of connection.heads()) {
      heads.push(head);
      connection.send(texts[heads.length - 1] ?? texts.at(-1) ?? '');
    }
  };
}

async function scripted(
  texts: readonly string[],
  options: Partial<CachingServerOptions> = {},
): Promise<{ server: CachingServer; heads: string[] } & AsyncDisposable> {
  const heads: string[] = [];
  const script = answering(texts, heads);
  const origin = await ScriptedOrigin.start([script, script, script, script]);
  const server = await CachingServer.start({ origin: origin.url, ...options });
  return {
    server,
    heads,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

const STORED =
  'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: "1"\r\nLast-Modified: Wed, 31 Dec 2025 00:00:00 GMT\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n0123456789';
const CHUNKED = STORED.replace('Content-Length: 10', 'Transfer-Encoding: chunked').replace(
  '0123456789',
  'a\r\n0123456789\r\n0\r\n\r\n',
);

for (const [what, text] of [
  ['a length', STORED],
  ['chunks', CHUNKED],
] as const) {
  test(`hits are what any client can read: of an answer with ${what}`, async () => {
    const clock = new ManualClock();
    await using site = await scripted([text], { clock });
    const { url } = site.server;
    await ask(url, { headers: { host: 'a.example' } });
    await until(async () => site.server.opened.store.index.all().next().value?.held !== undefined);
    const get = (fields = '', version = '1.1', method = 'GET') =>
      sendRaw(url, `${method} / HTTP/${version}\r\n${CLOSE}${fields}\r\n`);

    const old = await get('', '1.0');
    assert.match(old, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(old, /\r\nContent-Length: 10\r\n[\s\S]*\r\n\r\n0123456789$/);
    assert.doesNotMatch(old, /Transfer-Encoding/);
    const head = await get('', '1.1', 'HEAD');
    assert.match(head, /^HTTP\/1.1 200 OK\r\n[\s\S]*\r\nContent-Length: 10\r\n[\s\S]*\r\n\r\n$/);
    for (const condition of [
      'If-None-Match: "1"',
      'If-None-Match: "0", W/"1"',
      'If-None-Match: *',
      'If-Modified-Since: Wed, 31 Dec 2025 00:00:00 GMT',
      'If-None-Match: "1"\r\nRange: bytes=0-1',
    ]) {
      const answer = await get(`${condition}\r\n`);
      assert.match(
        answer,
        /^HTTP\/1.1 304 Not Modified\r\n[\s\S]*\r\nETag: "1"\r\n[\s\S]*\r\n\r\n$/,
        condition,
      );
      assert.doesNotMatch(answer, /Content-Length|Transfer-Encoding/);
    }
    assert.match(
      await get('If-None-Match: "2"\r\nIf-Modified-Since: Wed, 31 Dec 2025 00:00:00 GMT\r\n'),
      /^HTTP\/1.1 200/,
    );
    const ranges: readonly (readonly [string, RegExp])[] = [
      [
        'Range: bytes=2-4',
        /^HTTP\/1.1 206 [\s\S]*\r\nContent-Range: bytes 2-4\/10\r\nContent-Length: 3\r\n[\s\S]*\r\n\r\n234$/,
      ],
      ['Range: bytes=-3', /^HTTP\/1.1 206 [\s\S]*\r\n\r\n789$/],
      ['Range: bytes=8-100', /^HTTP\/1.1 206 [\s\S]*\r\nContent-Length: 2\r\n[\s\S]*\r\n\r\n89$/],
      [
        'Range: bytes=10-',
        /^HTTP\/1.1 416 [\s\S]*\r\nContent-Range: bytes \*\/10\r\nContent-Length: 0\r\n[\s\S]*\r\n\r\n$/,
      ],
      ['Range: bytes=0-1,4-5', /^HTTP\/1.1 200 [\s\S]*\r\n\r\n0123456789$/],
      ['Range: lines=1', /^HTTP\/1.1 200 [\s\S]*\r\n\r\n0123456789$/],
      ['Range: bytes=2-4\r\nIf-Range: "1"', /^HTTP\/1.1 206 /],
      ['Range: bytes=2-4\r\nIf-Range: W/"1"', /^HTTP\/1.1 200 /],
      ['Range: bytes=2-4\r\nIf-Range: "2"', /^HTTP\/1.1 200 /],
      ['Range: bytes=2-4\r\nIf-Range: Wed, 31 Dec 2025 00:00:00 GMT', /^HTTP\/1.1 206 /],
    ];
    for (const [range, expected] of ranges) assert.match(await get(`${range}\r\n`), expected, range);
    assert.match(
      await sendRaw(url, `HEAD / HTTP/1.1\r\n${CLOSE}Range: bytes=2-4\r\n\r\n`),
      /^HTTP\/1.1 200 /,
    );
    clock.advance(7_000);
    assert.match(await get(), /\r\nAge: 7\r\n/);
    assert.equal(site.heads.length, 1);
  });
}

test('requests in one packet are answered in their order, on a connection that goes on after every kind of answer', async () => {
  await using site = await scripted([STORED], { clock: new ManualClock() });
  await ask(site.server.url, { headers: { host: 'a.example' } });
  const socket = await openSocket(site.server.url);
  const lines = ['', 'If-None-Match: "1"\r\n', 'Range: bytes=0-1\r\n', 'Range: bytes=99-\r\n'];
  const requests = lines.map((line) => `GET / HTTP/1.1\r\n${H}${line}\r\n`);
  socket.write(`${requests.join('')}HEAD / HTTP/1.1\r\n${H}\r\nGET / HTTP/1.1\r\n${CLOSE}\r\n`);
  const text = await readAll(socket);
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '304', '206', '416', '200', '200']);
  assert.match(text, /0123456789$/);
});

test('a thousand requests in one packet on a cold key are answered in their order', async () => {
  await using site = await scripted([STORED], { clock: new ManualClock() });
  const socket = await openSocket(site.server.url);
  socket.cork();
  for (let n = 1; n < 1_000; n++) socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
  socket.write(`GET / HTTP/1.1\r\n${CLOSE}\r\n`);
  socket.uncork();
  const text = await readAll(socket);
  assert.equal([...text.matchAll(/HTTP\/1\.1 200/g)].length, 1_000);
});

test('an answer without content has no length, first or stored', async () => {
  const none = 'HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\n\r\n';
  await using site = await scripted([none], { clock: new ManualClock() });
  for (const cache of ['MISS', 'HIT']) {
    const answer = await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1.1 204 [\\s\\S]*X-Cache: ${cache}[\\s\\S]*\r\n\r\n$`));
    assert.doesNotMatch(answer, /Content-Length|Transfer-Encoding/);
  }
});

test('an answer of length 0 is kept like any other, and whatever is lent', async () => {
  const empty = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n';
  await using site = await scripted([empty], { clock: new ManualClock() });
  for (const cache of ['MISS', 'HIT']) {
    const answer = await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1.1 200 [\\s\\S]*X-Cache: ${cache}[\\s\\S]*\r\n\r\n$`));
  }
  await using full = await scripted([empty], { clock: new ManualClock(), settings: { maxMemory: 100 } });
  assert.match(await sendRaw(full.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`), /^HTTP\/1.1 200 /);
});

test('a 304 that nobody asked for is passed on and kept by nobody', async () => {
  const strange = 'HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: "1"\r\n\r\n';
  await using site = await scripted([strange, STORED], { clock: new ManualClock() });
  assert.match(await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`), /^HTTP\/1.1 304 /);
  assert.match(await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`), /0123456789$/);
});

test('interim answers go to the one who asked, and are no part of what is kept', async () => {
  const hints = `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${STORED}`;
  await using site = await scripted([hints], { clock: new ManualClock() });
  const first = await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
  assert.match(first, /^HTTP\/1.1 103 [\s\S]*HTTP\/1.1 200 OK[\s\S]*0123456789$/);
  assert.match(await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`), /^HTTP\/1.1 200 OK/);
});

const CUT: readonly (readonly [string, string])[] = [
  ['shorter than announced', STORED.slice(0, -1)],
  ['without its last chunk', CHUNKED.slice(0, -5)],
  ['with a chunk that is none', CHUNKED.replace('0\r\n\r\n', 'zz\r\n\r\n')],
];

for (const [what, text] of CUT)
  test(`a body ${what} looks whole to nobody and is kept nowhere`, async () => {
    const cut: Script = async (connection) => {
      await connection.head();
      connection.send(text);
      connection.end();
    };
    await using origin = await ScriptedOrigin.start([cut, cut, answering([STORED])]);
    await using server = await CachingServer.start({ origin: origin.url, clock: new ManualClock() });
    for (const version of ['1.1', '1.0']) {
      const socket = await openSocket(server.url);
      let isReset = false;
      socket.once('error', () => {
        isReset = true;
      });
      socket.write(`GET / HTTP/${version}\r\n${CLOSE}\r\n`);
      const answer = await readAll(socket);
      assert.doesNotMatch(answer, /0\r\n\r\n$/);
      assert.ok(isReset || !answer.endsWith('0123456789'), answer);
      assert.equal(server.opened.store.index.size, 0);
    }
    assert.match(
      await sendRaw(server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`),
      /X-Cache: MISS[\s\S]*0123456789$/,
    );
  });

test('only what is stored is sent to who wants nothing else', async () => {
  await using site = await scripted([STORED], { clock: new ManualClock() });
  const only = `GET / HTTP/1.1\r\n${CLOSE}Cache-Control: only-if-cached\r\n\r\n`;
  assert.match(await sendRaw(site.server.url, only), /^HTTP\/1.1 504 /);
  assert.equal(site.heads.length, 0);
  await sendRaw(site.server.url, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
  assert.match(await sendRaw(site.server.url, only), /^HTTP\/1.1 200 /);
});

test('who says who it is gets what is public from the store, and nothing else', async () => {
  const said = (control: string) => STORED.replace('max-age=60', control);
  for (const [control, asked] of [
    ['max-age=60', 2],
    ['public, max-age=60', 1],
    ['s-maxage=60', 1],
  ] as const) {
    await using site = await scripted([said(control)], { clock: new ManualClock() });
    const request = `GET / HTTP/1.1\r\n${CLOSE}Authorization: Basic x\r\n\r\n`;
    await sendRaw(site.server.url, request);
    await sendRaw(site.server.url, request);
    assert.equal(site.heads.length, asked, control);
  }
});

test('a condition that is the origin’s to judge is answered by nobody else', async () => {
  const clock = new ManualClock();
  const refused = 'HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n';
  await using site = await scripted([STORED, refused], { clock });
  await ask(site.server.url, { headers: { host: 'a.example' } });
  const request = `GET / HTTP/1.1\r\n${CLOSE}If-Match: "2"\r\n\r\n`;
  assert.match(await sendRaw(site.server.url, request), /^HTTP\/1.1 412 /);
  await using lost = await scripted([STORED, 'no HTTP\r\n\r\n'], { clock });
  await ask(lost.server.url, { headers: { host: 'a.example' } });
  assert.match(await sendRaw(lost.server.url, request), /^HTTP\/1.1 502 /);
});

async function httpOrigin(
  handle: (message: IncomingMessage, response: ServerResponse) => void,
  options: Partial<CachingServerOptions>,
): Promise<{ server: CachingServer } & AsyncDisposable> {
  const origin = await HttpServer.start(handle);
  const server = await CachingServer.start({ origin: origin.url, ...options });
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

test('a Range of what still comes is answered with it, or with the whole', async () => {
  const answers: ServerResponse[] = [];
  for (const head of [{ 'Content-Length': '10' }, {}]) {
    await using site = await httpOrigin(
      (_, response) => {
        answers.push(response);
        response.writeHead(200, { ...head, 'Cache-Control': 'max-age=60' });
        response.write('01234');
      },
      { clock: new ManualClock() },
    );
    const first = ask(site.server.url);
    await until(async () => site.server.opened.store.index.size === 1);
    const came = once(site.server.server, 'request');
    const part = ask(site.server.url, { headers: { range: 'bytes=3-6' } });
    await came;
    answers.at(-1)?.end('56789');
    assert.equal(String((await first).body), '0123456789');
    const { status, body } = await part;
    assert.equal(`${status} ${body}`, 'Content-Length' in head ? '206 3456' : '200 0123456789');
  }
});

test('clients that stop reading hold no more memory than there is, and keep nobody from an answer', async () => {
  const MB = 1024 * 1024;
  const maxMemory = 16 * MB;
  for (const isCounted of [true, false]) {
    await using site = await httpOrigin(
      (message, response) => {
        const body = Buffer.alloc(message.url === '/small' ? 10 : 4 * MB, 'x');
        const length = isCounted ? { 'Content-Length': String(body.length) } : {};
        response.writeHead(200, { ...length, 'Cache-Control': 'max-age=60' }).end(body);
      },
      { clock: new ManualClock(), settings: { maxMemory } },
    );
    const { server } = site;
    let arrived = 0;
    server.server.on('request', () => {
      arrived++;
    });
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const socket = await openSocket(server.url);
        socket.pause();
        socket.write(`GET /${at} HTTP/1.1\r\n${H}\r\n`);
        return socket;
      }),
    );
    await until(async () => arrived === 20 && server.proxy.flights === 0);
    for (let n = 0; n < 5; n++) {
      const small = await ask(`${server.url}/small`);
      assert.equal(small.body.length, 10);
      const large = await ask(`${server.url}/large`);
      assert.equal(large.body.length, 4 * MB);
      assert.ok(server.opened.memory.bytes <= maxMemory, `${server.opened.memory.bytes}`);
    }
    for (const socket of sockets) socket.destroy();
    await until(async () => server.ends.length === 20 + 10);
    await until(async () => server.opened.memory.lentBytes === 0);
  }
});
