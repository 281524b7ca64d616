import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayServer } from '../../../test/rig/gateway-server.ts';
import { RangeStore } from '../../../test/rig/range-store.ts';
import { until } from '../../../test/rig/until.ts';
import { VelocityError } from '../../base/errors.ts';

const PAGE = 64 * 1024;
/** Larger than all that is kept as a whole. */
const HUGE = randomBytes(5 * PAGE + 1000);
const MAX_OBJECT = 2 * PAGE;
const SERVER = { pageSize: PAGE, maxObjectSize: MAX_OBJECT, maxMemory: 16 * PAGE };

async function start(bytes = HUGE, options: Parameters<typeof GatewayServer.start>[0] = SERVER) {
  const store = new RangeStore();
  store.set('a', bytes);
  const server = await GatewayServer.start({ ...options, store });
  const get = async (range?: string, headers: Record<string, string> = {}) => {
    const all = range === undefined ? headers : { ...headers, range };
    const answer = await server.fetch('/media/a', { headers: all });
    const status = answer.headers.get('cache-status')?.replace('velocitycache; ', '');
    return { answer, status, body: Buffer.from(await answer.arrayBuffer()) };
  };
  return { store, server, get, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('whatever range of whatever object is asked for is what the object has there', async () => {
  const sizes = fc.constantFrom(0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE - 1);
  const near = fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 })).map(([page, by]) => page * PAGE + by);
  const ends = fc.tuple(near, near).filter(([first, last]) => first >= 0 && last >= first);
  await using all = await start();
  const { store, server } = all;
  let objects = 0;
  const cases = fc.tuple(sizes, fc.array(ends, { maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(cases, async ([size, spans]) => {
      const key = `object-${objects++}`;
      const bytes = HUGE.subarray(0, size);
      store.set(key, bytes);
      for (const [first, last] of spans) {
        const part = await server.fetch(`/media/${key}`, { headers: { range: `bytes=${first}-${last}` } });
        const body = Buffer.from(await part.arrayBuffer());
        assert.equal(part.status, first < size ? 206 : 416);
        if (first < size) assert.ok(body.equals(bytes.subarray(first, last + 1)));
      }
      const whole = await server.fetch(`/media/${key}`);
      assert.equal(whole.headers.get('content-length'), String(size));
      assert.ok(Buffer.from(await whole.arrayBuffer()).equals(bytes));
    }),
    { numRuns: 60 },
  );
});

test('a range of a huge object costs the first page and those that it touches, and the whole the rest', async () => {
  await using all = await start();
  const { store, get } = all;
  const first = 3 * PAGE + 10;
  for (const status of ['fwd=miss; stored', 'hit; detail=memory']) {
    const part = await get(`bytes=${first}-${first + 99}`);
    assert.equal(part.answer.headers.get('content-range'), `bytes ${first}-${first + 99}/${HUGE.length}`);
    assert.ok(part.body.equals(HUGE.subarray(first, first + 100)));
    assert.equal(part.status, status);
  }
  assert.deepEqual(store.asked, [0, 3 * PAGE]);
  assert.ok((await get('bytes=-10')).body.equals(HUGE.subarray(-10)));
  assert.deepEqual(store.asked, [0, 3 * PAGE, 5 * PAGE]);
  for (let round = 0; round < 2; round++) {
    const whole = await get();
    assert.deepEqual([whole.answer.status, whole.status], [200, 'hit; detail=memory']);
    assert.ok(whole.body.equals(HUGE));
  }
  assert.deepEqual(
    store.asked,
    [0, 3, 5, 1, 2, 4].map((page) => page * PAGE),
  );
});

test('100 who read a cold huge object are one question a page, and 100 whole bodies', async () => {
  await using all = await start();
  const { store, server, get } = all;
  const answers = await Promise.all(Array.from({ length: 100 }, () => get()));
  assert.ok(answers.every(({ body }) => body.equals(HUGE)));
  assert.deepEqual(
    store.asked,
    [0, 1, 2, 3, 4, 5].map((page) => page * PAGE),
  );
  const stats = (await (await server.fetch('/stats')).json()) as Record<string, Record<string, number>>;
  assert.equal((stats['hits']?.['total'] ?? 0) + (stats['misses']?.['total'] ?? 0), 100);
  assert.equal(stats['bytes']?.['fetched'], HUGE.length);
  assert.equal(stats['bytes']?.['egress'], 100 * HUGE.length);
});

test('conditions and heads are answered from the first page', async () => {
  await using all = await start();
  const { store, server, get } = all;
  const cold = await server.fetch('/media/a', { method: 'HEAD' });
  assert.deepEqual([cold.headers.get('content-length'), store.asked.length], [String(HUGE.length), 1]);
  store.asked = [];
  const etag = '"v1"';
  assert.equal((await get(undefined, { 'if-none-match': etag })).answer.status, 304);
  assert.equal((await get(undefined, { 'if-match': '"other"' })).answer.status, 412);
  assert.equal((await get('bytes=0-0', { 'if-range': etag })).answer.status, 206);
  const beyond = await get(`bytes=${HUGE.length}-`);
  assert.deepEqual(
    [beyond.answer.status, beyond.answer.headers.get('content-range')],
    [416, `bytes */${HUGE.length}`],
  );
  const head = await server.fetch('/media/a', { method: 'HEAD' });
  assert.deepEqual(
    ['content-length', 'etag', 'cache-status'].map((name) => head.headers.get(name)),
    [String(HUGE.length), etag, 'velocitycache; hit; detail=memory'],
  );
  assert.deepEqual(store.asked, [0]);
});

test('the type is what was stored, else what the name says, else what the first page begins with, in any range', async () => {
  await using all = await start();
  const { store, server } = all;
  const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), HUGE]);
  store.set('picture', png);
  store.set('page.css', HUGE);
  store.set('said', png, 'text/plain');
  for (const [key, type] of [
    ['picture', 'image/png'],
    ['page.css', 'text/css; charset=utf-8'],
    ['said', 'text/plain'],
  ]) {
    const part = await server.fetch(`/media/${key}`, { headers: { range: `bytes=${2 * PAGE}-` } });
    await part.arrayBuffer();
    assert.equal(part.headers.get('content-type'), type);
  }
});

test('what is put in the place of a huge object is what is read next, whatever the size of either', async () => {
  await using all = await start();
  const { server, get } = all;
  for (const bytes of [
    randomBytes(HUGE.length),
    randomBytes(MAX_OBJECT),
    randomBytes(10),
    randomBytes(PAGE * 4),
  ]) {
    await get();
    assert.ok((await server.put('/media/a', bytes)).ok);
    assert.ok((await get('bytes=5-5')).body.equals(bytes.subarray(5, 6)));
    assert.ok((await get()).body.equals(bytes));
  }
});

test('an object that changed behind the gateway is answered from what it is now, where nothing was sent yet', async () => {
  await using all = await start();
  const { store, get } = all;
  await get('bytes=0-9');
  const newer = randomBytes(4 * PAGE);
  store.set('a', newer);
  const part = await get(`bytes=-10`);
  assert.deepEqual([part.answer.status, part.answer.headers.get('etag')], [206, '"v2"']);
  assert.ok(part.body.equals(newer.subarray(-10)));
  assert.ok((await get()).body.equals(newer));

  store.set('a', randomBytes(10));
  assert.ok((await get()).body.equals(newer)); // as it was, until its time is over
});

test('a condition is held against the object that is sent, not against the one that is gone', async () => {
  await using all = await start();
  const { store, get } = all;
  await get('bytes=0-9');
  store.set('a', HUGE.subarray(0, 4 * PAGE));
  const old = { 'if-match': '"v1"' };
  assert.equal((await get(`bytes=${2 * PAGE}-${2 * PAGE}`, old)).answer.status, 412);
});

test('an object that is gone behind the gateway is 404, where nothing was sent yet', async () => {
  await using all = await start();
  const { store, get } = all;
  await get('bytes=0-9');
  store.objects.clear();
  assert.equal((await get('bytes=-10')).answer.status, 404);
});

test('an object that changes between two pages is a cut answer, and the next is of the new one', async () => {
  await using all = await start();
  const { store, get } = all;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  store.gates.set(2 * PAGE, promise);
  const cut = get();
  cut.catch(() => {});
  await until(async () => store.asked.includes(2 * PAGE));
  const newer = randomBytes(HUGE.length);
  store.set('a', newer);
  resolve(undefined);
  await assert.rejects(cut);
  const next = await get();
  assert.equal(next.answer.headers.get('etag'), '"v2"');
  assert.ok(next.body.equals(newer));
});

test('a bucket that fails at a page cuts the answer there, and the next asks for that page again', async () => {
  await using all = await start();
  const { store, server, get } = all;
  store.gates.set(3 * PAGE, Promise.resolve(new VelocityError('STORAGE_UNAVAILABLE', 'reset')));
  const answer = await server.fetch('/media/a');
  assert.deepEqual([answer.status, answer.headers.get('content-length')], [200, String(HUGE.length)]);
  let received = 0;
  await assert.rejects(async () => {
    for await (const piece of answer.body ?? []) received += piece.length;
  });
  assert.ok(received < 4 * PAGE, `${received}`);
  store.gates.clear();
  store.asked = [];
  assert.ok((await get()).body.equals(HUGE));
  assert.ok(store.asked.includes(3 * PAGE) && !store.asked.includes(2 * PAGE), `${store.asked}`);
});

test('a prefetch brings in pages up to the size of the largest object that is kept as a whole', async () => {
  await using all = await start();
  const { store, server } = all;
  assert.equal((await server.fetch('/media/a?prefetch=1', { method: 'HEAD' })).status, 200);
  await until(async () => /prefetches_total\{outcome="done"\} 1/.test(await server.registry.metrics()));
  assert.deepEqual(store.asked.slice(1), [0, PAGE]); // after the first bytes, for the type
});

test('the fast path answers for what fits in a page, and never with a page for an object', async () => {
  await using all = await start(HUGE, { ...SERVER, isFast: true });
  const { store, server, get } = all;
  store.set('small', HUGE.subarray(0, 100));
  for (let round = 0; round < 3; round++) {
    assert.ok((await get()).body.equals(HUGE));
    const small = await server.fetch('/media/small');
    assert.ok(Buffer.from(await small.arrayBuffer()).equals(HUGE.subarray(0, 100)));
  }
});

test('a backend that ignores ranges is told as such, and no byte of it is taken for another', async () => {
  await using all = await start();
  const { store, get } = all;
  const { get: answer } = store;
  store.get = (key) => answer.call(store, key);
  assert.equal((await get('bytes=9-9')).answer.status, 502);
  store.get = answer;
  await get('bytes=9-9');
  store.get = (key) => answer.call(store, key);
  assert.equal((await get('bytes=-9')).answer.status, 502);
  store.set('a', HUGE.subarray(0, PAGE));
  assert.ok((await get('bytes=9-9')).body.equals(HUGE.subarray(9, 10)));
});

test('without a size of pages nothing is read in pages', async () => {
  await using all = await start(HUGE, { maxObjectSize: MAX_OBJECT });
  const { store, get } = all;
  for (let round = 0; round < 2; round++) {
    const whole = await get();
    assert.ok(whole.body.equals(HUGE));
    assert.equal(whole.status, 'fwd=miss; detail=not-kept');
  }
  assert.deepEqual(store.asked, ['whole', 'whole']);
});
