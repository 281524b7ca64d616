/** What one client sends must not show in what another gets. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { ask } from '../../../../test/rig/ask.ts';
import { CachingServer, type CachingServerOptions } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { sendRaw } from '../../../../test/rig/raw-http.ts';

type Handle = (message: IncomingMessage, response: ServerResponse) => void;

interface Poisoned extends AsyncDisposable {
  readonly url: string;
  /** How often the origin was asked. */
  readonly asked: () => number;
  /** Text to text, on a connection of its own. */
  readonly raw: (head: string, body?: string) => Promise<string>;
}

async function open(handle: Handle, options: Partial<CachingServerOptions> = {}): Promise<Poisoned> {
  let asked = 0;
  const origin = await HttpServer.start((message, response) => {
    asked++;
    handle(message, response);
  });
  const server = await CachingServer.start({ origin: origin.url, ...options });
  return {
    url: server.url,
    asked: () => asked,
    raw: (head, body = '') => sendRaw(server.url, `${head}\r\nConnection: close\r\n\r\n${body}`),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** An origin that believes everything, and lets everybody keep it. */
async function echo(message: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  response.writeHead(200, { 'Cache-Control': 'max-age=60' });
  response.end(`${message.method} ${message.url} ${message.rawHeaders.join(' ')} ${Buffer.concat(chunks)}`);
}

const CLEAN = 'GET /page HTTP/1.1\r\nHost: site.example';

const INPUTS = [
  'X-Forwarded-Host: evil',
  'X-Forwarded-Proto: evil',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Port: 666',
  'X_Forwarded_Host: evil',
  'Forwarded: host=evil',
  'X-Real-IP: evil',
  'X-Original-URL: /evil',
  'X-Rewrite-URL: /evil',
  'X_Rewrite_URL: /evil',
  'X-HTTP-Method-Override: DELETE-evil',
  'X-Method-Override: evil',
  'X-Host: evil',
];

for (const input of INPUTS)
  test(`what is part of no key shows in no answer to others: ${input}`, async () => {
    await using site = await open(echo);
    await site.raw(`${CLEAN}\r\n${input}`);
    const clean = await site.raw(CLEAN);
    assert.doesNotMatch(clean, /evil|666/);
    // Nor is the clean answer lost by it.
    await site.raw(`${CLEAN}\r\n${input}`);
    assert.match(await site.raw(CLEAN), /X-Cache: HIT/);
  });

for (const input of [
  'X-Forwarded-Host: other.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Prefix: /below',
  'X-Forwarded-User: alice',
  'X_Forwarded_Host: other.example',
  'Forwarded: for=192.0.2.1;host=other.example',
  'Forwarded: proto=https, for=192.0.2.1',
  'X-Original-URL: /other',
])
  test(`what a proxy that is believed says of the request is part of the key: ${input}`, async () => {
    await using site = await open(echo, { trusted: ['127.0.0.1'] });
    const [, value = ''] = /[:=] ?([^:;,= ]+)(?:, for.*)?$/.exec(input) ?? [];
    assert.match(await site.raw(`${CLEAN}\r\n${input}`), new RegExp(value));
    const clean = await site.raw(CLEAN);
    assert.doesNotMatch(clean, new RegExp(value));
    assert.match(clean, /X-Cache: MISS/);
    assert.match(await site.raw(`${CLEAN}\r\n${input}`), /X-Cache: HIT/);
    assert.match(await site.raw(CLEAN), /X-Cache: HIT/);
    assert.equal(site.asked(), 2);
  });

test('whom a believed proxy asks for, and what it says that we say as well, parts no answers', async () => {
  await using site = await open(echo, { trusted: ['127.0.0.1'] });
  await site.raw(CLEAN);
  for (const input of [
    'X-Forwarded-For: 192.0.2.7',
    'X-Forwarded-Host: site.example',
    'X-Forwarded-Proto: http',
    'Forwarded: for=192.0.2.7',
  ])
    assert.match(await site.raw(`${CLEAN}\r\n${input}`), /X-Cache: HIT/, input);
  assert.equal(site.asked(), 1);
});

test('a body of a GET is part of no key, so what comes of it is kept for nobody, nor answered from the store', async () => {
  await using site = await open(echo);
  const fat = `${CLEAN}\r\nContent-Length: 4`;
  assert.match(await site.raw(fat, 'evil'), /evil$/m);
  assert.doesNotMatch(await site.raw(CLEAN), /evil/);
  assert.match(await site.raw(fat, 'evil'), /evil$/m);
});

test('hosts are told apart with their ports, and are the same in every form', async () => {
  await using site = await open(echo);
  await site.raw(CLEAN);
  for (const same of [
    'GET /page HTTP/1.1\r\nHost: SITE.example',
    'GET /page HTTP/1.1\r\nHost: site.example:80',
    'GET http://site.example/page HTTP/1.1\r\nHost: site.example',
  ])
    assert.match(await site.raw(same), /X-Cache: HIT/, same);
  for (const other of [
    'GET /page HTTP/1.1\r\nHost: site.example:8080',
    'GET /page HTTP/1.1\r\nHost: site.example.',
    'GET /page? HTTP/1.1\r\nHost: site.example',
    'GET //page HTTP/1.1\r\nHost: site.example',
    'GET /./page HTTP/1.1\r\nHost: site.example',
    'GET /%70age HTTP/1.1\r\nHost: site.example',
    'GET /PAGE HTTP/1.1\r\nHost: site.example',
    'GET /page;a.css HTTP/1.1\r\nHost: site.example',
    'GET /page%2fa.css HTTP/1.1\r\nHost: site.example',
    'GET /page%00 HTTP/1.1\r\nHost: site.example',
  ])
    assert.match(await site.raw(other), /X-Cache: MISS/, other);
  for (const refused of [
    'GET /page HTTP/1.1\r\nHost: site.example\r\nHost: evil',
    'GET http://evil/page HTTP/1.1\r\nHost: site.example',
    'GET /page HTTP/1.1\r\nHost: me@site.example',
    'GET /page HTTP/1.1\r\nHost: site.example/evil',
    'CONNECT site.example:80 HTTP/1.1\r\nHost: site.example:80',
  ])
    assert.match(await site.raw(refused), /^HTTP\/1.1 40[05] /, refused);
  assert.match(await site.raw(CLEAN), /X-Cache: HIT/);
});

test('an error that a client brings about is not kept for others', async () => {
  await using site = await open((message, response) => {
    const { bad } = message.headers;
    response.writeHead(bad ? Number(bad) : 200, bad ? { ETag: '"e"' } : { 'Cache-Control': 'max-age=60' });
    response.end(bad ? 'error' : 'fine');
  });
  for (const status of ['400', '403', '405', '413', '414', '416', '431', '500', '501', '503']) {
    const page = `GET /${status} HTTP/1.1\r\nHost: site.example`;
    assert.match(await site.raw(`${page}\r\nBad: ${status}`), /error$/m);
    assert.match(await site.raw(page), /fine$/m);
    assert.match(await site.raw(`${page}\r\nBad: ${status}`), /fine$/m, 'nor does it push out what is there');
  }
});

test('a malformed Range makes an error of the origin nobody else’s', async () => {
  await using site = await open((message, response) => {
    const isRanged = message.headers.range !== undefined;
    response.writeHead(isRanged ? 416 : 200, { 'Cache-Control': 'max-age=60' });
    response.end(isRanged ? 'error' : 'fine');
  });
  assert.match(await site.raw(`${CLEAN}\r\nRange: bytes=9-1`), /error$/m);
  assert.match(await site.raw(CLEAN), /fine$/m);
});

const VARIED: readonly (readonly [string, string, string])[] = [
  ['Cookie', 'Cookie: id=1', 'Cookie: id=2'],
  ['User-Agent', 'User-Agent: a, b', 'User-Agent: a,b'],
  ['X-Forwarded-Host', 'Host: site.example', 'Host: other.example'],
  ['Host', 'Host: site.example', 'Host: other.example'],
  ['Via', 'Via: 1.1 a', 'Via: 1.1 b'],
  ['Accept-Encoding, X-Own', 'X-Own: 1', 'X-Own: 2'],
];

for (const [vary, one, other] of VARIED)
  test(`answers that vary on what the origin sees go to whom they are for: ${vary}`, async () => {
    await using site = await open((message, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60', Vary: vary });
      response.end(message.rawHeaders.join(' '));
    });
    const request = (line: string) =>
      site.raw(`GET /page HTTP/1.1\r\n${line.startsWith('Host') ? line : `Host: site.example\r\n${line}`}`);
    await request(one);
    assert.match(await request(other), /X-Cache: MISS/);
    assert.match(await request(one), /X-Cache: HIT/);
    assert.match(await request(other), /X-Cache: HIT/);
    assert.equal(site.asked(), 2);
  });

test('what varies on the scheme is one answer, as all clients of a listener have the same', async () => {
  await using site = await open((_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'X-Forwarded-Proto' }).end('x');
  });
  await site.raw(`${CLEAN}\r\nX-Forwarded-Proto: https`);
  assert.match(await site.raw(CLEAN), /X-Cache: HIT/);
});

test('a cookie is kept with what the origin lets be kept, and never where the operator forbids it', async () => {
  const handle: Handle = (_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Set-Cookie': 'id=1' }).end('x');
  };
  for (const [neverWithSetCookie, asked] of [
    [false, 1],
    [true, 2],
  ] as const) {
    await using site = await open(handle, { policy: { neverWithSetCookie } });
    await ask(`${site.url}/page`);
    await ask(`${site.url}/page`);
    assert.equal(site.asked(), asked);
  }
});

test('what is private is no hit for anybody, whatever its address looks like', async () => {
  await using site = await open((message, response) => {
    response
      .writeHead(200, { 'Cache-Control': 'private, max-age=60' })
      .end(message.headers.cookie ?? 'nobody');
  });
  for (const path of [
    '/me',
    '/me;a.css',
    '/me%2fa.css',
    '/me/a.css',
    '/me/..%2fstatic/a.js',
    '/me%0aa.css',
  ]) {
    await ask(`${site.url}${path}`, { headers: { cookie: 'victim' } });
    assert.equal(String((await ask(`${site.url}${path}`)).body), 'nobody');
  }
});
