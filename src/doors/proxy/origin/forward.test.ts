/** Both ends byte by byte: what a client sends and gets, and what the origin does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { BareProxy } from '../../../../test/rig/bare-proxy.ts';
import { openSocket, readAll, sendRaw } from '../../../../test/rig/raw-http.ts';
import { Barrier, type Script } from '../../../../test/rig/scripted-origin.ts';
import { until } from '../../../../test/rig/until.ts';
import { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { ORIGIN_DEFAULTS } from './origin-settings.ts';

const H = 'Host: a.example\r\n';
const CLOSE = `${H}Connection: close\r\n`;
const GET = `GET /a?b HTTP/1.1\r\n${CLOSE}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\nok';

/** Answers all requests of a connection alike, and keeps what they were. */
function answering(answer: string, heads: string[] = []): Script {
  return async (connection) => {
    for await (const head of connection.heads()) {
      heads.push(head);
      connection.send(answer);
    }
  };
}

test('fields of one connection stay on it, and Via says that we were here', async () => {
  const heads: string[] = [];
  const answer =
    'HTTP/1.1 200 Fine\r\nDate: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\nVia: 1.0 b\r\nContent-Length: 2\r\n\r\nok';
  await using proxy = await BareProxy.start([answering(answer, heads)]);
  const request = `GET /a?b HTTP/1.0\r\n${H}Connection: X-Own\r\nX-Own: 1\r\nX-Far: 1\r\nVia: 1.1 c\r\n\r\n`;
  assert.equal(
    await sendRaw(proxy.url, request),
    'HTTP/1.1 200 Fine\r\nDate: x\r\nVia: 1.0 b\r\nContent-Length: 2\r\nVia: 1.1 velocity\r\nConnection: close\r\n\r\nok',
  );
  const forwarded =
    'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a.example\r\nX-Forwarded-Proto: http\r\n';
  assert.deepEqual(heads, [
    `GET /a?b HTTP/1.1\r\n${H}X-Far: 1\r\nVia: 1.1 c\r\n${forwarded}Via: 1.0 velocity\r\nConnection: keep-alive\r\n\r\n`,
  ]);
  assert.deepEqual(proxy.ends, ['whole']);
});

const CLAIMS = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: b.example',
  'X-Forwarded-Prefix: /x',
  'X-Real-IP: 192.0.2.1',
  'Forwarded: for=192.0.2.1',
];

test('what a client claims about itself goes no further, unless it is a trusted proxy', async () => {
  const request = `GET / HTTP/1.1\r\n${CLOSE}${CLAIMS.join('\r\n')}\r\n\r\n`;
  const told: string[] = [];
  for (const trusted of [new TrustedProxies(), new TrustedProxies(['127.0.0.0/8'])]) {
    await using proxy = await BareProxy.start([answering(OK, told)], { forward: { trusted } });
    await sendRaw(proxy.url, request);
  }
  const [anyone = '', believed = ''] = told;
  assert.doesNotMatch(anyone, /192\.0\.2\.1|https|b\.example|Prefix|Forwarded: for/);
  assert.match(anyone, /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/);
  assert.match(believed, /\r\nX-Forwarded-For: 192\.0\.2\.1, 127\.0\.0\.1\r\n/);
  assert.match(believed, /\r\nX-Forwarded-Host: b\.example\r\nX-Forwarded-Proto: https\r\n/);
  const element = 'for=127.0.0.1;host="a.example";proto=http';
  assert.ok(believed.includes(`\r\nForwarded: for=192.0.2.1, ${element}\r\n`), believed);
});

test('the origin is told another Host where it is to be', async () => {
  const heads: string[] = [];
  await using proxy = await BareProxy.start([answering(OK, heads)], { forward: { host: 'inside' } });
  await sendRaw(proxy.url, GET);
  assert.match(heads[0] ?? '', /\r\nHost: inside\r\n.*\r\nX-Forwarded-Host: a\.example\r\n/s);
});

test('an absolute form goes on as a path', async () => {
  const heads: string[] = [];
  await using proxy = await BareProxy.start([answering(OK, heads)]);
  await sendRaw(proxy.url, `GET http://a.example/x/../y HTTP/1.1\r\n${CLOSE}\r\n`);
  assert.match(heads[0] ?? '', /^GET \/x\/\.\.\/y HTTP\/1\.1\r\nHost: a\.example\r\n/);
});

test('requests of one packet arrive one after the other and apart', async () => {
  const heads: string[] = [];
  await using proxy = await BareProxy.start([answering(OK, heads), answering(OK, heads)]);
  const post = `POST /1 HTTP/1.1\r\n${H}Content-Length: 0\r\n\r\n`;
  const answer = await sendRaw(proxy.url, `${post}GET /2 HTTP/1.1\r\n${CLOSE}\r\n`);
  assert.equal(answer.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
  assert.deepEqual(heads.map((head) => head.split(' ', 2).join(' ')).sort(), ['GET /2', 'POST /1']);
});

test('answers without a body have none, whatever their length says', async () => {
  const cases: [method: string, answer: string, expected: RegExp][] = [
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', /\r\nContent-Length: 5\r\n.*\r\n\r\n$/s],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s],
    [
      'GET',
      'HTTP/1.1 304 Same\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
      /\r\nContent-Length: 5\r\n.*\r\n\r\n$/s,
    ],
    [
      'GET',
      'HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n',
      /^HTTP\/1\.1 204 None\r\n(?!.*Length).*\r\n\r\n$/s,
    ],
  ];
  for (const [method, answer, expected] of cases) {
    await using proxy = await BareProxy.start([answering(answer)]);
    assert.match(await sendRaw(proxy.url, `${method} / HTTP/1.1\r\n${CLOSE}\r\n`), expected);
  }
});

test('a body goes through as it comes, both ways, in pieces', async () => {
  const step = new Barrier(2);
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      await connection.until('5\r\nhello\r\n');
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n');
      await step.reach();
      await connection.until('0\r\n\r\n');
      connection.send('0\r\n\r\n');
      await connection.closed;
    },
  ]);
  const client = await openSocket(proxy.url);
  client.write(`POST / HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  const received = watch(client);
  await until(async () => received().endsWith('5\r\nworld\r\n'));
  await step.reach();
  client.write('0\r\n\r\n');
  await once(client, 'close');
  assert.match(received(), /5\r\nworld\r\n0\r\n\r\n$/);
});

test('trailers that were announced go through to those who take them, and none that would change the head', async () => {
  const heads: string[] = [];
  const script: Script = async (connection) => {
    for await (const head of connection.heads()) {
      heads.push(head, await connection.until('0\r\n'), await connection.until('\r\n'));
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\n\r\n');
      connection.send('2\r\nok\r\n0\r\nX-Sum: 2\r\nSet-Cookie: a=b\r\nX-Else: 1\r\n\r\n');
      assert.equal(await connection.until('\r\n'), '\r\n');
    }
  };
  await using proxy = await BareProxy.start([script]);
  const body = '5\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: b.example\r\n\r\n';
  const post = `POST / HTTP/1.1\r\n${CLOSE}Trailer: X-Sum, Host\r\nTransfer-Encoding: chunked\r\n`;
  const taken = await sendRaw(proxy.url, `${post}TE: trailers\r\n\r\n${body}`);
  assert.match(taken, /\r\nTrailer: X-Sum\r\n/);
  assert.match(taken, /2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n$/);
  assert.match(heads[0] ?? '', /\r\nTrailer: X-Sum\r\n.*\r\nTE: trailers\r\nConnection: keep-alive, TE\r\n/s);
  assert.equal(heads[2], 'X-Sum: 1\r\n');
  const untaken = await sendRaw(proxy.url, `${post}\r\n${body}`);
  assert.match(untaken, /2\r\nok\r\n0\r\n\r\n$/);
  assert.doesNotMatch(untaken, /Trailer|X-Sum/);
});

test('interim answers come first, with their fields, to those who know them', async () => {
  const answer = `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\nHTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\n${OK}`;
  await using proxy = await BareProxy.start([answering(answer)]);
  const told = await sendRaw(proxy.url, GET);
  assert.match(
    told,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200/,
  );
  assert.match(await sendRaw(proxy.url, `GET / HTTP/1.0\r\n${H}\r\n`), /^HTTP\/1\.1 200/);
});

test('a client that asks before it sends its body is told what the origin says', async () => {
  await using proxy = await BareProxy.start([
    async (connection) => {
      assert.match(await connection.head(), /\r\nExpect: 100-continue\r\n/);
      connection.send('HTTP/1.1 100 Continue\r\n\r\n');
      assert.equal(await connection.bytes(5), 'hello');
      connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
      connection.end();
    },
    async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
      await connection.closed;
      assert.equal(connection.rest, '');
    },
  ]);
  const put = `PUT / HTTP/1.1\r\n${H}Content-Length: 5\r\nExpect: 100-continue\r\n`;
  const client = await openSocket(proxy.url);
  const received = watch(client);
  client.write(`${put}Connection: close\r\n\r\n`);
  await until(async () => received() !== '');
  assert.equal(received(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.write('hello');
  await once(client, 'close');
  assert.match(received(), /\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ok$/s);
  const refused = await sendRaw(proxy.url, `${put}\r\n`);
  assert.match(refused, /^HTTP\/1\.1 401 No\r\n.*Connection: close\r\n/s);
  await proxy.origin.done();
});

test('who sends all before it reads gets to see an early answer, and is served on', async () => {
  const early = 'HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\n\r\n';
  for (const answer of [early, 'nonsense\r\n']) {
    await using proxy = await BareProxy.start([
      async (connection) => {
        await connection.head();
        connection.send(answer);
        await connection.closed;
      },
      answering(OK),
    ]);
    const client = await openSocket(proxy.url);
    const received = watch(client);
    const half = 'x'.repeat(10_000);
    client.write(`POST / HTTP/1.1\r\n${H}Content-Length: 20000\r\n\r\n${half}`);
    await until(async () => /^HTTP\/1\.1 (413|502) /.test(received()));
    client.write(half + GET);
    await once(client, 'close');
    assert.match(received(), /HTTP\/1\.1 200 OK\r\n.*ok$/s);
  }
});

test('an origin that hangs, breaks off or speaks nonsense is 504 or 502, and the next request is served', async () => {
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      await connection.closed;
    },
    async (connection) => {
      await connection.head();
      connection.reset();
    },
    answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'),
    answering(OK),
  ]);
  const hanging = sendRaw(proxy.url, GET);
  await until(async () => proxy.clock.isWaitedFor(ORIGIN_DEFAULTS.headersTimeout));
  proxy.clock.advance(ORIGIN_DEFAULTS.headersTimeout);
  assert.match(await hanging, /^HTTP\/1\.1 504 /);
  assert.match(await sendRaw(proxy.url, GET), /^HTTP\/1\.1 502 /);
  const malformed = await sendRaw(proxy.url, GET);
  assert.match(malformed, /^HTTP\/1\.1 502 /);
  assert.doesNotMatch(malformed, /hello|127\.0\.0\.1/);
  assert.match(await sendRaw(proxy.url, GET), /^HTTP\/1\.1 200 /);
  assert.deepEqual(proxy.ends, ['ORIGIN_TIMEOUT', 'ORIGIN_FAILED', 'ORIGIN_FAILED', 'whole']);
});

const torn: Record<string, string> = {
  counted: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
};

for (const [how, answer] of Object.entries(torn)) {
  for (const version of ['1.1', '1.0']) {
    test(`a ${how} body that breaks off does so for a client of HTTP/${version} too`, async () => {
      const cut = new Barrier(2);
      await using proxy = await BareProxy.start([
        async (connection) => {
          await connection.head();
          connection.send(answer);
          await cut.reach();
          connection.end();
        },
      ]);
      const client = await openSocket(proxy.url);
      const errors: string[] = [];
      client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
      const received = watch(client);
      client.write(`GET / HTTP/${version}\r\n${CLOSE}\r\n`);
      await until(async () => received().includes('hello'));
      const closed = new Promise((resolve) => client.once('close', resolve));
      await cut.reach();
      await closed;
      assert.doesNotMatch(received(), /\r\n0\r\n/);
      const endsByClosing = !/Content-Length|chunked/i.test(received());
      assert.deepEqual(errors, endsByClosing ? ['ECONNRESET'] : []);
      assert.deepEqual(proxy.ends, ['aborted']);
    });
  }
}

test('a body that only trickles goes on; one that stands still is cut', async () => {
  const drops = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';
  const next = [new Barrier(2), new Barrier(2)];
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      connection.send(`${drops}1`);
      for (const barrier of next) {
        await barrier.reach();
        connection.send('2');
      }
      await connection.closed;
    },
  ]);
  const client = await openSocket(proxy.url);
  const received = watch(client);
  client.write(GET);
  for (const [index, barrier] of next.entries()) {
    await until(async () => received().endsWith(`1${'2'.repeat(index)}`));
    proxy.clock.advance(ORIGIN_DEFAULTS.idleTimeout - 1);
    await barrier.reach();
  }
  await until(async () => received().endsWith('122'));
  proxy.clock.advance(ORIGIN_DEFAULTS.idleTimeout);
  await once(client, 'close');
  assert.deepEqual(proxy.ends, ['aborted']);
});

test('a client that leaves takes its request to the origin with it, at every stage', async () => {
  const stages: [request: string, answer: string][] = [
    [GET, ''],
    [GET, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'],
    [`POST / HTTP/1.1\r\n${H}Content-Length: 10\r\n\r\nhello`, ''],
  ];
  for (const [request, answer] of stages) {
    const asked = Promise.withResolvers<void>();
    await using proxy = await BareProxy.start([
      async (connection) => {
        await connection.head();
        connection.send(answer);
        asked.resolve();
        await connection.closed;
      },
    ]);
    const client = await openSocket(proxy.url);
    const received = watch(client);
    client.write(request);
    await asked.promise;
    await until(async () => received().endsWith(answer.slice(-5)));
    client.destroy();
    await proxy.origin.done();
    await until(async () => proxy.ends.length === 1);
    assert.deepEqual(proxy.ends, ['aborted']);
  }
});

test('a reader that stops holds the origin back', async () => {
  const size = 32 * 1024 * 1024;
  let left = size;
  await using proxy = await BareProxy.start([
    async (connection) => {
      await connection.head();
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      for (; left > 0; left -= BLOCK.length) await connection.sendSlowly(BLOCK);
    },
  ]);
  const client = await openSocket(proxy.url);
  client.pause();
  client.write(GET);
  let before = -1;
  // What the kernel's buffers hold goes first; then nothing moves any more.
  await until(async () => {
    const isStill = before === left;
    before = left;
    await turns(200);
    return isStill && left < size;
  });
  assert.ok(left > size / 2, `${size - left} bytes were taken`);
  client.resume();
  assert.ok((await readAll(client)).length > size);
});

const BLOCK = 'x'.repeat(256 * 1024);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

/** All that has come so far. */
function watch(socket: Socket): () => string {
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  return () => received;
}
