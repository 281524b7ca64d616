import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { GatewayServer } from '../../../test/rig/gateway-server.ts';
import { openSocket } from '../../../test/rig/raw-http.ts';
import { StubStore } from '../../../test/rig/stub-store.ts';
import { until } from '../../../test/rig/until.ts';
import { VelocityError } from '../../base/errors.ts';
import type { Got } from '../../storage/store.ts';

const BODY = randomBytes(100_000);

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

/** One request as it is written, without a client's opinion of its path. */
async function rawGet(server: GatewayServer, target: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(
    `GET ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer objects\r\nConnection: close\r\n\r\n`,
  );
  return text(socket);
}

async function statsOf(server: GatewayServer) {
  type Group = 'hits' | 'misses' | 'bytes' | 'memory' | 'writes';
  return (await (await server.fetch('/stats')).json()) as Record<Group, Record<string, number>>;
}

/** For what a test counts: how often the bucket was asked. */
class CountingStore extends StubStore {
  gets = 0;
  answer: () => Promise<Got> = async () => undefined;

  override async get(): Promise<Got> {
    this.gets++;
    return this.answer();
  }
}

function objectOf(body: Readable, sizeBytes: number, etag = 'e1'): Got {
  const facts = {
    ...{ sizeBytes, etag, modifiedAt: 0 },
    ...{ digest: undefined, contentType: undefined, fields: {}, metadata: {} },
  };
  return { facts, span: 'whole', body };
}

for (const isFast of [false, true])
  describe(isFast ? 'with the fast path' : 'without the fast path', () => {
    test('what was put is got, whole and in parts, from memory too', async () => {
      await using server = await GatewayServer.start({ isFast });
      const put = await server.put('/media/a/b.tar.zst', BODY, { 'content-type': 'application/zstd' });
      assert.equal(put.status, 201);
      for (let round = 0; round < 3; round++) {
        const got = await server.fetch('/media/a/b.tar.zst');
        assert.deepEqual(await bytesOf(got), BODY);
        assert.equal(got.headers.get('content-type'), 'application/zstd');
        assert.equal(got.headers.get('etag'), put.headers.get('etag'));
        assert.equal(got.headers.get('cache-status'), 'velocitycache; hit; detail=memory');
        const part = await server.fetch('/media/a/b.tar.zst', { headers: { range: 'bytes=10-19' } });
        assert.deepEqual([part.status, await bytesOf(part)], [206, BODY.subarray(10, 20)]);
        assert.equal(part.headers.get('content-range'), `bytes 10-19/${BODY.length}`);
        const head = await server.fetch('/media/a/b.tar.zst', { method: 'HEAD' });
        assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(BODY.length)]);
      }
    });

    test('a URL that was signed for one request opens it, and no other method, bucket, path or time', async () => {
      await using server = await GatewayServer.start({ isFast });
      await server.put('/media/a', 'one');
      await server.put('/media/b', 'two');
      await server.put('/frozen/a', 'three');
      const url = server.signed('GET', 'media', 'a');
      const [, sig = ''] = url.split('?');
      for (let round = 0; round < 2; round++) {
        const open = async (path: string, method = 'GET') =>
          (await fetch(server.url + path, { method, body: method === 'PUT' ? 'x' : null })).status;
        assert.equal(await open(url), 200);
        assert.equal(await open(url, 'HEAD'), 403);
        assert.equal(await open(url, 'PUT'), 403);
        assert.equal(await open(`/media/b?${sig}`), 403);
        assert.equal(await open(`/frozen/a?${sig}`), 403);
        assert.equal(await open(`${url}x`), 403);
        assert.equal(await open(`${url}&${sig}`), 403);
        assert.equal(await open('/media/a'), 401);
        assert.equal(await open(`/media/a?sig=`), 403);
      }
      server.clock.advance(61_000); // what is left of a second is given
      const late = await fetch(server.url + url);
      assert.deepEqual([late.status, await codeOf(late)], [403, 'URL_EXPIRED']);
    });

    test('what follows a # in a target is no query to be signed: no target has one', async () => {
      await using server = await GatewayServer.start({ isFast });
      await server.put('/media/a%23b', 'one');
      const [path = '', sig = ''] = server.signed('GET', 'media', 'a#b').split('?');
      assert.equal((await fetch(`${server.url}${path}?${sig}`)).status, 200);
      const socket = await openSocket(server.url);
      socket.write(`GET /media/a#b?${sig} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 401 /);
      socket.destroy();
    });

    test('a token of another tenant opens nothing, whatever its rights, hot or not', async () => {
      await using server = await GatewayServer.start({ isFast });
      await server.put('/media/a', 'one');
      for (let round = 0; round < 2; round++) {
        assert.equal((await server.fetch('/media/a')).status, 200);
        assert.equal((await server.fetch('/media/a', {}, 'stranger')).status, 403);
      }
    });

    test('a token beside a bad signature opens nothing, and neither does one without the right', async () => {
      await using server = await GatewayServer.start({ isFast });
      await server.put('/media/a', 'one');
      for (let round = 0; round < 2; round++) {
        assert.equal((await server.fetch('/media/a?sig=a.b')).status, 403);
        assert.equal((await server.fetch('/media/a', {}, 'cache')).status, 403);
        assert.equal((await server.fetch('/media/a', {}, 'unknown')).status, 401);
        assert.equal((await server.fetch('/media/a')).status, 200);
      }
    });

    test('a path is decoded once, and what could lead elsewhere is refused', async () => {
      await using server = await GatewayServer.start({ isFast });
      await server.put('/media/a%20b/%C3%BC%252e', 'one');
      assert.equal(await (await server.fetch('/media/a%20b/%c3%bc%252e')).text(), 'one');
      const tricks = [
        ...['/media/', '/media//a', '/media/a//b', '/media/../frozen/a', '/media/a/../b', '/media/./a'],
        ...['/media/%2e%2e/a', '/media/a/%2E%2e%2fb', '/media/a%00', '/media/a%5Cb', '/media/%2Fetc/passwd'],
        ...['/media/%ff', '/media/%', '/media/a%0Ab', `/media/${'a'.repeat(1025)}`, '/media/a/'],
      ];
      for (const target of tricks) {
        const answer = await rawGet(server, target);
        assert.match(answer, /^HTTP\/1\.1 40[04] /, target);
        assert.match(answer, /INVALID_KEY|BAD_REQUEST|NOT_FOUND/, target);
      }
    });

    test('a condition of the request decides before a byte is sent', async () => {
      await using server = await GatewayServer.start({ isFast });
      const etag = (await server.put('/media/a', 'one')).headers.get('etag') ?? '';
      const status = async (headers: Record<string, string>, method = 'GET') =>
        (await server.fetch('/media/a', { headers, method })).status;
      assert.equal(await status({ 'if-none-match': etag }), 304);
      assert.equal(await status({ 'if-none-match': etag }, 'HEAD'), 304);
      assert.equal(await status({ 'if-none-match': '"other"' }), 200);
      assert.equal(await status({ 'if-match': '"other"' }), 412);
      assert.equal(await status({ 'if-modified-since': 'Fri, 31 Dec 2999 23:59:59 GMT' }), 304);
      assert.equal(await status({ range: 'bytes=0-0', 'if-range': '"other"' }), 200);
      assert.equal(await status({ range: 'bytes=0-0', 'if-range': etag }), 206);
      const beyond = await server.fetch('/media/a', { headers: { range: 'bytes=9-' } });
      assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */3']);
    });

    for (const contentType of ['a/b\r\nx-other: 1', 'a/\u{10d}\u{10a}x-other: 1', '\0', ' '])
      test(`a stored type that is no field of HTTP is none: ${JSON.stringify(contentType)}`, async () => {
        const store = new CountingStore();
        const facts = {
          sizeBytes: 3,
          digest: undefined,
          contentType,
          etag: 'e',
          modifiedAt: 0,
          metadata: {},
        };
        store.answer = async () => ({ facts, span: 'whole', body: Readable.from([Buffer.from('one')]) });
        store.facts = facts;
        await using server = await GatewayServer.start({ isFast, store });
        for (const method of ['GET', 'GET', 'HEAD']) {
          const answer = await server.fetch('/media/a.txt', { method });
          assert.equal(answer.status, 200);
          assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
          assert.equal(answer.headers.get('x-other'), null);
          await answer.text();
        }
      });

    test('what is written again is what is read next, and the log says so', async () => {
      await using server = await GatewayServer.start({ isFast });
      assert.equal((await server.put('/media/a', 'one')).status, 201);
      assert.equal(await (await server.fetch('/media/a')).text(), 'one');
      assert.equal((await server.put('/media/a', 'two!')).status, 200);
      assert.equal(await (await server.fetch('/media/a')).text(), 'two!');
      const warned = server.logged.filter(({ message }) => message === 'an object was overwritten');
      assert.deepEqual(
        warned.map(({ key }) => key),
        ['a'],
      );
    });
  });

test('an immutable store refuses to be overwritten, and keeps what it had', async () => {
  await using server = await GatewayServer.start();
  assert.equal((await server.put('/frozen/a', 'one')).status, 201);
  const again = await server.put('/frozen/a', 'two');
  assert.deepEqual([again.status, await codeOf(again)], [409, 'IMMUTABLE']);
  assert.equal(await (await server.fetch('/frozen/a')).text(), 'one');
});

test('a write that is refused pushes nothing out of the tiers', async () => {
  await using server = await GatewayServer.start();
  await server.put('/frozen/a', 'one');
  await server.put('/media/a', 'one');
  assert.equal((await server.put('/frozen/a', 'two')).status, 409);
  assert.equal((await server.put('/media/a', 'two', { 'if-none-match': '*' })).status, 412);
  for (const path of ['/frozen/a', '/media/a']) {
    const got = await server.fetch(path);
    assert.deepEqual(
      [await got.text(), got.headers.get('cache-status')],
      ['one', 'velocitycache; hit; detail=memory'],
    );
  }
});

test('"If-None-Match: *" stores only where there is nothing; another condition is held against what is there', async () => {
  await using server = await GatewayServer.start();
  assert.equal((await server.put('/media/a', 'one', { 'if-none-match': '*' })).status, 201);
  assert.equal((await server.put('/media/a', 'two', { 'if-none-match': '*' })).status, 412);
  assert.equal((await server.put('/media/a', 'two', { 'if-match': '"other"' })).status, 412);
  assert.equal((await server.put('/media/b', 'two', { 'if-match': '*' })).status, 412);
  assert.equal(await (await server.fetch('/media/a')).text(), 'one');
});

test('a part and a body that is too large are refused, and nothing is stored', async () => {
  await using server = await GatewayServer.start({ maxUploadBytes: 1000 });
  assert.equal((await server.put('/media/a', 'x', { 'content-range': 'bytes 0-0/5' })).status, 400);
  assert.equal((await server.put('/media/a', 'x'.repeat(1001))).status, 413);
  assert.equal((await server.fetch('/media/a')).status, 404);
});

test('a type is what was stored, else what the name says, else what the first bytes say', async () => {
  await using server = await GatewayServer.start();
  const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), BODY]);
  const types = async (path: string): Promise<(string | null)[]> => {
    const [head, got] = [await server.fetch(path, { method: 'HEAD' }), await server.fetch(path)];
    await got.arrayBuffer();
    return [head.headers.get('content-type'), got.headers.get('content-type')];
  };
  for (const [path, body, stored, expected] of [
    ['/media/a.css', 'a{}', 'text/plain', 'text/plain'],
    ['/media/b.css', 'a{}', 'application/octet-stream', 'text/css; charset=utf-8'],
    ['/media/picture', png, 'application/octet-stream', 'image/png'],
    ['/media/page', '<html>', 'application/octet-stream', 'application/octet-stream'],
  ] as const) {
    await server.put(path, body, { 'content-type': stored });
    assert.deepEqual(await types(path), [expected, expected], path);
  }
  await server.store.put('late' as never, png, { ifAbsent: true });
  assert.deepEqual(await types('/media/late'), ['image/png', 'image/png']);
});

test('how an object is to be read is told as it was stored, from the bucket and from memory', async () => {
  await using server = await GatewayServer.start({ isFast: true });
  const fields = {
    'content-encoding': 'gzip',
    'content-language': 'de',
    'content-disposition': 'attachment; filename="a.txt"',
    'cache-control': 'max-age=60',
  };
  const packed = gzipSync('unpacked');
  await server.put('/media/a.txt', packed, fields);
  await server.store.put('b' as never, packed, { ifAbsent: true, fields });
  for (const path of ['/media/a.txt', '/media/b', '/media/b', '/media/b']) {
    const got = await server.fetch(path);
    assert.equal(await got.text(), 'unpacked');
    for (const [name, value] of Object.entries(fields)) assert.equal(got.headers.get(name), value, name);
  }
  const type = async (path: string) =>
    (await server.fetch(path, { method: 'HEAD' })).headers.get('content-type');
  assert.deepEqual(
    [await type('/media/a.txt'), await type('/media/b')],
    ['text/plain; charset=utf-8', 'application/octet-stream'],
  );
});

test('500 who ask for what is cold are one question to the bucket and 500 whole bodies', async () => {
  const store = new CountingStore();
  const body = new PassThrough();
  store.answer = async () => objectOf(body, BODY.length);
  await using server = await GatewayServer.start({ store });
  const answers = Array.from({ length: 500 }, async () => bytesOf(await server.fetch('/media/a')));
  await until(async () => store.gets > 0);
  body.write(BODY.subarray(0, 50_000));
  await setImmediate();
  body.end(BODY.subarray(50_000));
  for (const answer of await Promise.all(answers)) assert.ok(answer.equals(BODY));
  assert.equal(store.gets, 1);
});

test('a bucket that dies in the middle is an aborted answer for all who wait, and nothing is kept', async () => {
  const store = new CountingStore();
  const body = new PassThrough();
  store.answer = async () => objectOf(body, BODY.length);
  await using server = await GatewayServer.start({ store });
  const answers = Array.from({ length: 20 }, async () => bytesOf(await server.fetch('/media/a')));
  body.write(BODY.subarray(0, 50_000));
  await until(async () => (await statsOf(server)).hits['joined'] === 19);
  body.destroy(new VelocityError('STORAGE_UNAVAILABLE', 'reset'));
  for (const { status } of await Promise.allSettled(answers)) assert.equal(status, 'rejected');
  store.answer = async () => objectOf(Readable.from([BODY]), BODY.length);
  assert.ok((await bytesOf(await server.fetch('/media/a'))).equals(BODY));
  assert.equal(store.gets, 2);
});

test('a bucket that does not answer is told as such to all who wait, after one question', async () => {
  const store = new CountingStore();
  const { promise, reject } = Promise.withResolvers<Got>();
  store.answer = () => promise;
  await using server = await GatewayServer.start({ store });
  const answers = Array.from({ length: 50 }, () => server.fetch('/media/a'));
  await until(async () => store.gets > 0);
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  reject(new VelocityError('STORAGE_UNAVAILABLE', 'no answer'));
  for (const answer of await Promise.all(answers)) {
    assert.equal(answer.status, 503);
    await answer.text();
  }
  assert.ok(store.gets < 5, `${store.gets}`); // those that came after the failure asked anew
});

test('an object that comes byte by byte holds up no other (F16)', async () => {
  const store = new CountingStore();
  const slow = new PassThrough();
  store.answer = async () => objectOf(store.gets === 1 ? slow : Readable.from([BODY]), BODY.length);
  await using server = await GatewayServer.start({ store });
  const waiting = server.fetch('/media/slow.bin').then(bytesOf);
  await until(async () => store.gets === 1);
  slow.write(BODY.subarray(0, 1));
  for (const [at, name] of ['b', 'c', 'b'].entries()) {
    const other = await server.fetch(`/media/${name}.bin`);
    assert.ok((await bytesOf(other)).equals(BODY));
    slow.write(BODY.subarray(at + 1, at + 2));
  }
  slow.end(BODY.subarray(4));
  assert.ok((await waiting).equals(BODY));
});

test('an object past its time is not given out while its bucket fails, and the failure is not kept either (F17)', async () => {
  const store = new CountingStore();
  store.answer = async () => objectOf(Readable.from([BODY]), BODY.length);
  await using server = await GatewayServer.start({ store });
  const got = await server.fetch('/media/a.bin');
  assert.ok((await bytesOf(got)).equals(BODY));
  const { answer } = store;
  store.answer = () => Promise.reject(new VelocityError('STORAGE_UNAVAILABLE', 'no answer'));
  assert.equal((await server.fetch('/media/a.bin')).status, 200); // from memory, while its time lasts
  server.clock.advance(3600_000);
  assert.equal((await server.fetch('/media/a.bin')).status, 503);
  store.answer = answer;
  assert.ok((await bytesOf(await server.fetch('/media/a.bin'))).equals(BODY));
});

test('an object that is too large to be kept goes through, whole and in parts', async () => {
  await using server = await GatewayServer.start({ maxObjectSize: 50_000 });
  await server.put('/media/a', BODY);
  for (let round = 0; round < 2; round++) {
    const got = await server.fetch('/media/a');
    assert.ok((await bytesOf(got)).equals(BODY));
    assert.match(got.headers.get('cache-status') ?? '', /not-kept/);
    const part = await server.fetch('/media/a', { headers: { range: 'bytes=-10' } });
    assert.deepEqual([part.status, await bytesOf(part)], [206, BODY.subarray(-10)]);
  }
});

test('whoever asks for the end of what is being fetched is not taken for idle until it has come', async () => {
  const store = new CountingStore();
  const body = new PassThrough();
  store.answer = async () => objectOf(body, BODY.length);
  await using server = await GatewayServer.start({ store, idleTimeoutMs: 400 });
  const end = server.fetch('/media/a.txt', { headers: { range: 'bytes=-10' } });
  const [, late] = await Promise.all([
    (async () => {
      for (let at = 0; at < BODY.length; at += 10_000) {
        body.write(BODY.subarray(at, at + 10_000));
        await pause(60);
      }
      body.end();
    })(),
    end,
  ]);
  assert.deepEqual([late.status, await bytesOf(late)], [206, BODY.subarray(-10)]);
});

test('a part that never begins to come is an aborted answer', async () => {
  const store = new CountingStore();
  const body = new PassThrough();
  store.answer = async () => objectOf(body, BODY.length);
  await using server = await GatewayServer.start({ store });
  const part = server.fetch('/media/a.txt', { headers: { range: 'bytes=-10' } });
  await until(async () => store.gets > 0);
  body.destroy(new VelocityError('STORAGE_UNAVAILABLE', 'reset'));
  await assert.rejects(part);
  assert.equal((await server.fetch('/stats')).status, 200);
});

test('HEAD asks the bucket and keeps nothing; with prefetch it answers at once, and the object is there soon', async () => {
  await using server = await GatewayServer.start();
  await server.store.put('a' as never, BODY, { ifAbsent: true });
  const entries = async () => (await statsOf(server)).memory['entries'];
  for (const query of ['', '?prefetch=false', '?prefetch=0']) {
    const head = await server.fetch(`/media/a${query}`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(BODY.length));
  }
  assert.equal(await entries(), 0);
  assert.equal((await server.fetch('/media/a?prefetch=true', { method: 'HEAD' })).status, 200);
  await until(async () => (await entries()) === 1);
  assert.equal((await server.fetch('/media/a?prefetch=maybe', { method: 'HEAD' })).status, 400);
  assert.equal((await server.fetch('/media/none?prefetch=1', { method: 'HEAD' })).status, 404);
});

test('no more than some objects are fetched ahead at once, until they have come', async () => {
  const store = new CountingStore();
  store.facts = {
    sizeBytes: 10,
    digest: undefined,
    contentType: 'a/b',
    etag: 'e',
    modifiedAt: 0,
    metadata: {},
  };
  const bodies: PassThrough[] = [];
  store.answer = async () => {
    const body = new PassThrough();
    bodies.push(body);
    return objectOf(body, 10);
  };
  await using server = await GatewayServer.start({ store });
  const prefetch = (name: string) => server.fetch(`/media/${name}.txt?prefetch=1`, { method: 'HEAD' });
  for (let n = 0; n < 40; n++) await prefetch(String(n));
  assert.equal(store.gets, 32);
  assert.match(await server.registry.metrics(), /vc_gateway_prefetches_total\{outcome="dropped"\} 8/);
  for (const body of bodies) body.end('0123456789');
  await until(async () => /outcome="done"\} 32/.test(await server.registry.metrics()));
  await prefetch('next');
  await until(async () => store.gets === 33);
});

test('what finds no room is not fetched ahead, and not counted as if it were', async () => {
  await using server = await GatewayServer.start({ maxObjectSize: 50_000 });
  await server.store.put('a' as never, BODY, { ifAbsent: true });
  await server.fetch('/media/a?prefetch=1', { method: 'HEAD' });
  await until(async () => /prefetches_total\{/.test(await server.registry.metrics()));
  assert.match(await server.registry.metrics(), /prefetches_total\{outcome="dropped"\} 1/);
});

test('the numbers tell what happened', async () => {
  await using server = await GatewayServer.start({ maxObjectSize: 200_000 });
  await server.put('/media/a', BODY);
  await server.store.put('b' as never, BODY, { ifAbsent: true });
  for (const path of ['/media/a', '/media/b', '/media/b', '/media/none'])
    await (await server.fetch(path)).arrayBuffer();
  const stats = await statsOf(server);
  assert.deepEqual(stats.hits, { memory: 2, disk: 0, joined: 0, total: 2 });
  assert.deepEqual(stats.misses, { fetched: 1, through: 0, absent: 1, total: 2 });
  assert.deepEqual(stats.bytes, { egress: 300_000, ingress: 100_000, fetched: 100_000 });
  assert.equal(stats.memory['entries'], 2);
  assert.deepEqual(stats.writes, { stored: 1 });
  assert.match(await server.registry.metrics(), /vc_gateway_reads_total\{outcome="memory"\} 2/);
});

test('there is no bucket but those that there are, and no other method', async () => {
  await using server = await GatewayServer.start();
  assert.equal((await server.fetch('/nowhere/a')).status, 404);
  const deleted = await server.fetch('/media/a', { method: 'DELETE' });
  assert.deepEqual([deleted.status, deleted.headers.get('allow')], [405, 'GET, HEAD, PUT']);
});

test('a token that has moved more than it may is told to wait', async () => {
  const limits = { limitBytes: { amount: 150_000, periodMs: 3600_000 } };
  await using server = await GatewayServer.start({ limits, isFast: true });
  await server.put('/media/a', BODY);
  await (await server.fetch('/media/a')).arrayBuffer();
  const refused = await server.fetch('/media/a');
  assert.equal(refused.status, 429);
});
