import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BareProxy } from '../../../../test/rig/bare-proxy.ts';
import { sendRaw } from '../../../../test/rig/raw-http.ts';
import type { Script } from '../../../../test/rig/scripted-origin.ts';
import { VelocityError } from '../../../base/errors.ts';
import { admitRequest, REQUEST_LIMITS } from './request-hygiene.ts';

const HOST = ['Host', 'a.example'];

function admit(url: string, rawHeaders: string[] = HOST, method = 'GET', httpVersion = '1.1') {
  return admitRequest({ method, url, httpVersion, rawHeaders }, REQUEST_LIMITS);
}

function statusOf(act: () => unknown): number {
  try {
    act();
  } catch (error) {
    if (error instanceof VelocityError) return error.status;
    throw error;
  }
  return 200;
}

test('a path goes on as it was written', () => {
  for (const target of [
    '/',
    '/a?b',
    '/me;a.css',
    '/me%2fa.css',
    '/me/..%2fs/a.js',
    '/a.',
    '/%00%0a',
    '/%252e',
    '//b/x',
  ])
    assert.equal(admit(target).target, target);
});

test('an absolute form becomes a path, and names the host of the Host field', () => {
  const cases: [url: string, host: string, target: string][] = [
    ['http://a.example/x?y', 'a.example', '/x?y'],
    ['HTTP://A.Example:80?y', 'a.example', '/?y'],
    ['https://a.example:443', 'a.example:443', '/'],
    ['http://a.example:8080/../%2e', 'a.example:8080', '/../%2e'],
    ['http://[::1]:8080/', '[::1]:8080', '/'],
  ];
  for (const [url, host, target] of cases) assert.equal(admit(url, ['Host', host]).target, target, url);
  for (const url of [
    'http://b.example/',
    'http://a.example:81/',
    'http://a.example@b.example/',
    'http://u:p@a.example/',
    'http://a.example.b.example/',
    'http:///',
    'ftp://a.example/',
    'a.example/x',
    'javascript:1',
    '*',
  ])
    assert.equal(
      statusOf(() => admit(url)),
      400,
      url,
    );
});

test('the host is one, in lower case, without the usual port', () => {
  assert.equal(admit('/', ['HOST', 'A.Example:80']).host, 'a.example');
  assert.equal(admit('/', ['Host', 'a.example:8080']).host, 'a.example:8080');
  const hosts = ['', 'u@a', 'a, b', 'a/b', 'a b', 'a:b', 'a:', 'a:99999', '[::1', 'a#', 'a?b', 'é', 'a\\b'];
  for (const host of hosts)
    assert.equal(
      statusOf(() => admit('/', ['Host', host])),
      400,
      host,
    );
  assert.equal(
    statusOf(() => admit('/', [])),
    400,
  );
  assert.equal(
    statusOf(() => admit('/', [...HOST, ...HOST])),
    400,
  );
});

test('how a body ends is said in one way', () => {
  const body = (...fields: string[]) => admit('/', [...HOST, ...fields], 'POST').body;
  assert.equal(body(), 'none');
  assert.equal(body('Content-Length', '0'), 'none');
  assert.equal(body('Content-Length', '5'), 5);
  assert.equal(body('Transfer-Encoding', 'Chunked'), 'chunked');
  for (const [status, ...fields] of [
    [400, 'Transfer-Encoding', 'chunked', 'Content-Length', '5'],
    [400, 'Content-Length', '5', 'Content-Length', '5'],
    [400, 'Content-Length', '+5'],
    [400, 'Content-Length', '5, 5'],
    [400, 'Content-Length', '9'.repeat(20)],
    [501, 'Transfer-Encoding', 'gzip, chunked'],
    [501, 'Transfer-Encoding', 'xchunked'],
    [501, 'Transfer-Encoding', 'identity'],
    [501, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
  ] as [number, ...string[]][])
    assert.equal(
      statusOf(() => body(...fields)),
      status,
      fields.join(),
    );
  const old = () => admit('/', [...HOST, 'Transfer-Encoding', 'chunked'], 'POST', '1.0');
  assert.equal(statusOf(old), 400);
});

test('a GET with a body is passed on and never an answer for others', () => {
  assert.equal(admit('/').isCacheable, true);
  assert.equal(admit('/', [...HOST, 'Content-Length', '0']).isCacheable, true);
  assert.equal(admit('/', [...HOST, 'Content-Length', '5']).isCacheable, false);
  assert.equal(admit('/', [...HOST, 'Transfer-Encoding', 'chunked'], 'HEAD').isCacheable, false);
  assert.equal(admit('/', HOST, 'POST').isCacheable, false);
});

test('limits, methods, versions and expectations have answers of their own', () => {
  assert.equal(
    statusOf(() => admit(`/${'x'.repeat(REQUEST_LIMITS.maxTarget)}`)),
    414,
  );
  const many = Array.from({ length: REQUEST_LIMITS.maxFields }, () => ['a', '']).flat();
  assert.equal(
    statusOf(() => admit('/', [...HOST, ...many])),
    431,
  );
  for (const method of ['', 'GE T', 'GET/', 'G\xcbT', 'GET\r'])
    assert.equal(
      statusOf(() => admit('/', HOST, method)),
      400,
    );
  assert.equal(
    statusOf(() => admit('/', HOST, 'TRACE')),
    405,
  );
  assert.equal(
    statusOf(() => admit('/', HOST, 'GET', '2.0')),
    505,
  );
  assert.equal(
    statusOf(() => admit('/', [...HOST, 'Expect', '100-continue, else'])),
    417,
  );
  assert.equal(
    statusOf(() => admit('/', [...HOST, 'Expect', 'else'], 'GET', '1.0')),
    200,
  );
  assert.equal(
    statusOf(() => admit('/', [...HOST, 'Expect', '100-Continue'])),
    200,
  );
  assert.equal(admit('*', HOST, 'OPTIONS').target, '*');
  assert.equal(admit('http://a.example', HOST, 'OPTIONS').target, '*');
});

test('whatever the address, it is refused or begins with a slash and holds visible ASCII alone', () => {
  const targets = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl({ withFragments: true }), fc.webPath());
  fc.assert(
    fc.property(targets, (url) => {
      if (statusOf(() => admit(url)) === 400) return;
      assert.match(admit(url).target, /^\/[!"$-~]*$/);
    }),
  );
});

const H = 'Host: a.example\r\n';
const POST = `POST / HTTP/1.1\r\n${H}`;
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
/** Raw requests that must not reach the origin, and their status where one is given. */
const smuggled: Record<string, [status: number | undefined, request: string]> = {
  'a length beside a coding': [
    400,
    `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  ],
  'a coding beside a length': [
    400,
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${CHUNKS}`,
  ],
  'two lengths': [400, `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  'a coding before chunked': [501, `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKS}`],
  // Node refuses it on its own too, once it comes to the body; one of the two is the answer.
  'an unknown coding': [undefined, `${POST}Transfer-Encoding: xchunked\r\n\r\n${CHUNKS}`],
  'a coding in disguise': [400, `${POST}Transfer-Encoding : chunked\r\n\r\n${CHUNKS}`],
  'chunked in HTTP/1.0': [400, `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
  'a folded line': [400, `GET / HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`],
  'a blank first line': [400, `GET / HTTP/1.1\r\n X: a\r\n${H}\r\n`],
  'lines that end in LF': [400, 'GET / HTTP/1.1\nHost: a.example\n\n'],
  'a CR in a value': [400, `GET / HTTP/1.1\r\n${H}X: a\rb\r\n\r\n`],
  'a NUL in a value': [400, `GET / HTTP/1.1\r\n${H}X: a\0b\r\n\r\n`],
  'a control character in the address': [400, `GET /a\x01b HTTP/1.1\r\n${H}\r\n`],
  'a fragment': [400, `GET /a#b HTTP/1.1\r\n${H}\r\n`],
  'no Host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'no Host in HTTP/1.0': [400, 'GET / HTTP/1.0\r\n\r\n'],
  'an empty Host': [400, 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  'two Hosts': [400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  'another host in the address': [400, `GET http://169.254.169.254/ HTTP/1.1\r\n${H}\r\n`],
  CONNECT: [405, `CONNECT a.example:80 HTTP/1.1\r\n${H}\r\n`],
  'TRACE with a body': [405, `TRACE / HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\nhello`],
  'an expectation': [417, `${POST}Expect: tea\r\nContent-Length: 5\r\n\r\nhello`],
  'an expectation among others': [417, `${POST}Expect: 100-continue, tea\r\nContent-Length: 5\r\n\r\nhello`],
  'a long address': [414, `GET /${'x'.repeat(10_000)} HTTP/1.1\r\n${H}\r\n`],
  'an address of a megabyte': [431, `GET /${'x'.repeat(1_000_000)} HTTP/1.1\r\n${H}\r\n`],
  'many fields': [431, `GET / HTTP/1.1\r\n${H}${'a:\r\n'.repeat(300)}\r\n`],
  'ten thousand fields': [431, `GET / HTTP/1.1\r\n${H}${'a:\r\n'.repeat(10_000)}\r\n`],
  'fields of 64 kB': [431, `GET / HTTP/1.1\r\n${H}X: ${'x'.repeat(64_000)}\r\n\r\n`],
  'version 2.0': [505, `GET / HTTP/2.0\r\n${H}\r\n`],
  'a method in small letters': [400, `get / HTTP/1.1\r\n${H}\r\n`],
};

for (const [what, [status, request]] of Object.entries(smuggled)) {
  test(`${what} is answered, ends the connection, and reaches no origin`, async () => {
    await using proxy = await BareProxy.start([]);
    const answer = await sendRaw(proxy.url, `${request}GET /smuggled HTTP/1.1\r\n${H}\r\n`);
    const [first = '', ...others] = answer.match(/HTTP\/1\.1 \d{3}/g) ?? [];
    if (status !== undefined) assert.equal(first, `HTTP/1.1 ${status}`);
    assert.deepEqual(others, []);
    assert.equal(proxy.origin.connections, 0);
  });
}

const brokenChunks: Record<string, string> = {
  'a size in C': '0x5\r\nhello\r\n0\r\n\r\n',
  'more than its size': '5\r\nhello!!0\r\n\r\n',
  'lines that end in LF': '5\nhello\n0\n\n',
  'an extension that ends in LF': '5;\nxx\r\nhello\r\n0\r\n\r\n',
  'a length among the trailers': '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
};

for (const [what, chunks] of Object.entries(brokenChunks)) {
  test(`a body with ${what} never becomes a whole request`, async () => {
    let received = '';
    const script: Script = async (connection) => {
      await connection.closed;
      received = connection.rest;
    };
    await using proxy = await BareProxy.start([script]);
    await sendRaw(proxy.url, `${POST}Transfer-Encoding: chunked\r\n\r\n${chunks}GET /2 HTTP/1.1\r\n${H}\r\n`);
    await proxy.origin.done();
    assert.doesNotMatch(received, /\r\n0\r\n|GET/);
  });
}

test('a thousand requests of one packet are answered in their order', async () => {
  const script: Script = async (connection) => {
    for await (const head of connection.heads()) {
      const [, number = ''] = /^GET \/(\d+) /.exec(head) ?? [];
      connection.send(`HTTP/1.1 200 OK\r\nX-Number: ${number}\r\nContent-Length: 0\r\n\r\n`);
    }
  };
  await using proxy = await BareProxy.start([script, script], { origin: { maxConnections: 2 } });
  const numbers = Array.from({ length: 1_000 }, (_, index) => String(index));
  const requests = numbers.map((number) => `GET /${number} HTTP/1.1\r\n${H}\r\n`);
  const received = await sendRaw(
    proxy.url,
    `${requests.join('')}GET /last HTTP/1.1\r\n${H}Connection: close\r\n\r\n`,
  );
  assert.deepEqual(
    [...received.matchAll(/X-Number: (\d+)/g)].map(([, number]) => number),
    numbers,
  );
});
