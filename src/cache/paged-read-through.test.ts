import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import type { ByteSpan } from '../base/byte-range.ts';
import { BodyChanged } from './body-changed.ts';
import type { BodyTier } from './body-tier.ts';
import { DiskTier } from './disk-tier/disk-tier.ts';
import { Lru } from './eviction/lru.ts';
import type { Kept } from './kept.ts';
import { MemoryTier } from './memory-tier.ts';
import { PagedReadThrough, type PageMeta } from './paged-read-through.ts';
import { type Reading, type ReadOutcome, ReadThrough } from './read-through.ts';
import type { PagedSource, Sourced } from './source.ts';

const PAGE = 100;

function bytesOf(sizeBytes: number, seed = 0): Buffer {
  return Buffer.from(Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8) + seed) % 251));
}

/** One body, of which a test counts what was asked. */
class Origin implements PagedSource<PageMeta> {
  bytes: Buffer;
  etag = 'v1';
  /** Where what was asked for begins: `whole`, or an offset. */
  asked: (number | 'whole')[] = [];
  /** Waited for before the part that begins here is given. */
  gates = new Map<number, Promise<void>>();
  failing: number | undefined;

  constructor(sizeBytes: number) {
    this.bytes = bytesOf(sizeBytes);
  }

  async open(): Promise<Sourced<PageMeta>> {
    this.asked.push('whole');
    return this.#sourced({ first: 0, last: this.bytes.length - 1 });
  }

  async openFirst(maxBytes: number): Promise<Sourced<PageMeta>> {
    this.asked.push(0);
    return this.#sourced({ first: 0, last: maxBytes - 1 });
  }

  async openPart(span: ByteSpan, { etag, wholeBytes = this.bytes.length }: PageMeta): Promise<Readable> {
    this.asked.push(span.first);
    await this.gates.get(span.first);
    if (etag !== this.etag || wholeBytes !== this.bytes.length) throw new BodyChanged();
    return this.#sourced(span).body;
  }

  #sourced({ first, last }: ByteSpan): Sourced<PageMeta> {
    const part = this.bytes.subarray(first, last + 1);
    const body = Readable.from([part.subarray(0, 30), part.subarray(30)]);
    if (this.failing === first)
      body.once('data', () => queueMicrotask(() => body.destroy(new Error('reset'))));
    return { meta: { etag: this.etag }, sizeBytes: this.bytes.length, body };
  }
}

interface Opened {
  readonly disk?: BodyTier<PageMeta>;
  readonly maxBytes?: number;
  readonly maxFlyingBytes?: number;
  readonly pageBytes?: number;
}

function open({ disk, maxBytes = 1_000_000, maxFlyingBytes = 10_000, pageBytes = PAGE }: Opened = {}) {
  const clock = new ManualClock();
  const outcomes: ReadOutcome[] = [];
  const count = (outcome: ReadOutcome): void => void outcomes.push(outcome);
  const memory = new MemoryTier<Kept<PageMeta>>({
    ...{ maxBytes, maxValueBytes: 10_000, ttlMs: 60_000, clock, eviction: new Lru() },
  });
  const cache = new ReadThrough({
    ...{ memory, disk, maxBodyBytes: 10_000, maxFlyingBytes, clock, count },
  });
  const paged = new PagedReadThrough({ cache, pageBytes, maxWarmBytes: 300, count });
  return { paged, cache, memory, outcomes };
}

/** What somebody reads, again where the body changed before it began. */
async function read(
  paged: PagedReadThrough<PageMeta>,
  origin: Origin,
  span: ByteSpan | 'whole' = 'whole',
): Promise<Buffer> {
  const reading = await paged.read('k', origin);
  assert.ok(reading);
  try {
    return await bytesIn(reading, span);
  } finally {
    reading.close();
  }
}

async function bytesIn(reading: Reading<PageMeta>, span: ByteSpan | 'whole' = 'whole'): Promise<Buffer> {
  if (!reading.bytes) return buffer(await reading.open(span));
  const [first, end] = span === 'whole' ? [0] : [span.first, span.last + 1];
  return Buffer.from(reading.bytes.subarray(first, end));
}

test('whatever is read of a body of whatever size is what the body has there', async () => {
  const cases = fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 450 }), fc.constantFrom(99, 100, 101, 199, 200, 201, 300)),
    spans: fc.array(fc.tuple(fc.nat(450), fc.nat(450)), { minLength: 1, maxLength: 4 }),
    rooms: fc.constantFrom(1_000_000, 2000, 0), // for all pages, for some, for none
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ size, spans, rooms }) => {
      const origin = new Origin(size);
      const { paged } = open({ maxBytes: rooms });
      for (const [a, b] of spans) {
        const [first, last] = [Math.min(a, b) % size, Math.max(a, b) % size];
        const span = { first: Math.min(first, last), last: Math.max(first, last) };
        const part = await read(paged, origin, span);
        assert.ok(part.equals(origin.bytes.subarray(span.first, span.last + 1)));
      }
      assert.ok((await read(paged, origin)).equals(origin.bytes));
    }),
    { numRuns: 200 },
  );
});

test('a part costs the first page, which says what the body is, and the pages that it touches', async () => {
  const { paged, outcomes } = open();
  const origin = new Origin(1000);
  await read(paged, origin, { first: 350, last: 449 });
  assert.deepEqual(origin.asked, [0, 300, 400]);
  await read(paged, origin, { first: 399, last: 420 });
  await read(paged, origin, { first: 10, last: 20 });
  assert.deepEqual(origin.asked, [0, 300, 400]);
  await read(paged, origin, { first: 420, last: 500 });
  assert.deepEqual(origin.asked, [0, 300, 400, 500]);
  assert.deepEqual(outcomes, ['miss', 'memory', 'memory', 'memory']);
});

test('a read is counted once, as the first page that it reads; also one that reads nothing', async () => {
  const { paged, outcomes } = open();
  const origin = new Origin(1000);
  await read(paged, origin, { first: 0, last: 9 });
  await read(paged, origin, { first: 100, last: 109 });
  await read(paged, origin);
  (await paged.read('k', origin))?.close();
  assert.deepEqual(outcomes, ['miss', 'miss', 'memory', 'memory']);
});

test('a body that fits in one page is an entry as without pages, under the body’s own key', async () => {
  const { paged, cache, memory } = open();
  for (const [key, size] of [
    ['full', PAGE],
    ['short', 1],
  ] as const) {
    const origin = new Origin(size);
    assert.ok(await bytesIn((await paged.read(key, origin)) as Reading<PageMeta>));
    assert.equal(cache.hot(key)?.bytes.length, size);
    await paged.read(key, origin);
    assert.deepEqual(origin.asked, [0]);
  }
  assert.equal(memory.size, 2);
  assert.equal((await paged.find('full'))?.sizeBytes, PAGE);
});

test('a body that was filled in as a whole is read as a whole, and what had been pages is not', async () => {
  const { paged } = open();
  const origin = new Origin(300);
  await read(paged, origin);
  const bytes = bytesOf(400, 1);
  await paged.fill('k', { meta: { etag: 'v2' }, bytes });
  assert.ok((await read(paged, origin)).equals(bytes));
  assert.equal((await paged.find('k'))?.sizeBytes, 400);
});

test('what is found says how large the whole is, and asks nobody', async () => {
  const { paged, outcomes } = open();
  const origin = new Origin(1000);
  assert.equal(await paged.find('k'), undefined);
  await read(paged, origin, { first: 0, last: 0 });
  const found = await paged.find('k');
  found?.close();
  assert.deepEqual([found?.sizeBytes, found?.outcome, found?.meta.etag], [1000, 'memory', 'v1']);
  assert.deepEqual([origin.asked, outcomes.length], [[0], 1]);
});

test('many who read a cold body fetch each page once', async () => {
  const { paged } = open();
  const origin = new Origin(1000);
  const wholes = await Promise.all(Array.from({ length: 100 }, () => read(paged, origin)));
  assert.ok(wholes.every((whole) => whole.equals(origin.bytes)));
  assert.deepEqual(origin.asked, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
});

test('a reader that leaves ends no page’s flight for others, nor its keeping', async () => {
  const { paged } = open();
  const origin = new Origin(300);
  const { promise, resolve } = Promise.withResolvers<void>();
  origin.gates.set(100, promise);
  const leaver = await (await paged.read('k', origin))?.open('whole');
  const other = read(paged, origin);
  leaver?.resume();
  while (!origin.asked.includes(100)) await new Promise(setImmediate);
  leaver?.destroy();
  resolve();
  assert.ok((await other).equals(origin.bytes));
  assert.ok((await read(paged, origin)).equals(origin.bytes));
  assert.deepEqual(origin.asked, [0, 100, 200]);
});

test('pages survive in the disk tier; those of another size are never found', async () => {
  await using folder = await openTempFolder();
  const openDisk = () =>
    DiskTier.open<PageMeta>({
      ...{ folder: folder.path, maxBytes: 1_000_000, cleanupIntervalMs: 0, accessUpdateIntervalMs: 0 },
      ...{ eviction: new Lru(), clock: new ManualClock(), parseMeta: (raw) => raw as PageMeta },
    });
  const origin = new Origin(450);
  for (const [pageBytes, asked] of [
    [100, [0, 100, 200, 300, 400]],
    [100, []],
    [150, [0, 150, 300]],
    [100, []],
  ] as const) {
    const disk = await openDisk();
    const { paged, cache, outcomes } = open({ disk, pageBytes });
    origin.asked = [];
    assert.ok((await read(paged, origin)).equals(origin.bytes));
    assert.deepEqual([origin.asked, outcomes], [asked, [asked.length > 0 ? 'miss' : 'disk']]);
    await cache.close();
    await disk.close();
  }
});

test('a body that changed is read anew from its first page on, where nothing was sent yet', async () => {
  const { paged } = open();
  const origin = new Origin(1000);
  await read(paged, origin, { first: 0, last: 150 });
  [origin.bytes, origin.etag] = [bytesOf(800, 1), 'v2'];
  await assert.rejects(read(paged, origin, { first: 500, last: 510 }), BodyChanged);
  assert.ok((await read(paged, origin)).equals(origin.bytes));
});

test('a body that changes while it is read is cut, is never of two versions, and is read anew by the next', async () => {
  for (const change of [
    (origin: Origin) => ([origin.bytes, origin.etag] = [bytesOf(1000, 1), 'v2']),
    (origin: Origin) => ([origin.bytes] = [bytesOf(999)]), // a source whose tags say nothing
  ]) {
    const { paged } = open();
    const origin = new Origin(1000);
    const { promise, resolve } = Promise.withResolvers<void>();
    origin.gates.set(200, promise);
    const before = origin.bytes;
    const body = await (await paged.read('k', origin))?.open('whole');
    assert.ok(body);
    const pieces: Buffer[] = [];
    body.on('data', (piece) => pieces.push(piece));
    const failed = new Promise((fail) => body.once('error', fail));
    while (!origin.asked.includes(200)) await new Promise(setImmediate);
    change(origin);
    resolve();
    assert.ok((await failed) instanceof BodyChanged);
    assert.ok(Buffer.concat(pieces).equals(before.subarray(0, 200)));
    assert.ok((await read(paged, origin)).equals(origin.bytes));
  }
});

test('many who find that a body changed are few questions, and all get what it is now', async () => {
  const { paged } = open();
  const origin = new Origin(1000);
  await read(paged, origin, { first: 0, last: 0 });
  [origin.bytes, origin.etag, origin.asked] = [bytesOf(1000, 1), 'v2', []];
  const again = async () => {
    const span = { first: 550, last: 560 };
    return read(paged, origin, span).catch(() => read(paged, origin, span));
  };
  const parts = await Promise.all(Array.from({ length: 100 }, again));
  assert.ok(parts.every((part) => part.equals(origin.bytes.subarray(550, 561))));
  assert.deepEqual(origin.asked, [500, 0, 500]);
});

test('a source that fails at a page fails whoever reads that one, and the next asks for it again', async () => {
  const { paged, outcomes } = open();
  const origin = new Origin(1000);
  origin.failing = 300;
  await assert.rejects(read(paged, origin), /reset/);
  assert.ok((await read(paged, origin, { first: 0, last: 299 })).equals(origin.bytes.subarray(0, 300)));
  origin.failing = undefined;
  assert.ok((await read(paged, origin)).equals(origin.bytes));
  assert.equal(origin.asked.filter((first) => first === 300).length, 2);
  assert.deepEqual(outcomes, ['miss', 'memory', 'memory']);
});

test('what is forgotten is asked for again, and no page of it is found, kept or in flight', async () => {
  const { paged } = open();
  const origin = new Origin(300);
  const flying = await paged.read('k', origin);
  await paged.forget('k');
  [origin.bytes, origin.etag] = [bytesOf(300, 1), 'v2'];
  assert.ok((await read(paged, origin)).equals(origin.bytes));
  flying?.close();
  await paged.forget('k');
  [origin.bytes, origin.etag] = [bytesOf(50, 2), 'v3'];
  assert.ok((await read(paged, origin)).equals(origin.bytes));
});

test('a body without a tag that tells its versions apart is not read in pages', async () => {
  const { paged } = open();
  const origin = new Origin(300);
  origin.etag = '';
  assert.ok((await read(paged, origin)).equals(origin.bytes));
  assert.ok((await read(paged, origin, { first: 150, last: 160 })).equals(origin.bytes.subarray(150, 161)));
  assert.deepEqual(origin.asked, [0, 'whole']);
});

test('to warm a body is to bring in its pages up to a limit, one after the other, and each once', async () => {
  const { paged, memory, outcomes } = open();
  const origin = new Origin(1000);
  const { signal } = new AbortController();
  await paged.warm('k', origin, signal);
  await paged.warm('k', origin, signal);
  assert.deepEqual([origin.asked, memory.size, outcomes], [[0, 100, 200], 3, ['miss', 'memory']]);
});

test('warming ends where there is no room, and when it is told to', async () => {
  const origin = new Origin(1000);
  await open({ maxBytes: 0 }).paged.warm('k', origin, new AbortController().signal);
  assert.deepEqual(origin.asked, [0]);

  const leaving = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  origin.gates.set(100, promise);
  const warming = open().paged.warm('k', origin, leaving.signal);
  while (!origin.asked.includes(100)) await new Promise(setImmediate);
  leaving.abort();
  resolve();
  await warming.catch(() => {});
  assert.ok(!origin.asked.includes(200));
});

test('warming that finds another body is a failure, counted as a read, and the next finds the new one', async () => {
  const { paged, outcomes } = open();
  const origin = new Origin(1000);
  const { signal } = new AbortController();
  await read(paged, origin, { first: 0, last: 0 });
  [origin.bytes, origin.etag, origin.asked] = [bytesOf(900, 1), 'v2', []];
  await assert.rejects(paged.warm('k', origin, signal), BodyChanged);
  await paged.warm('k', origin, signal);
  assert.deepEqual(origin.asked, [100, 0, 100, 200]);
  assert.deepEqual(outcomes, ['miss', 'memory', 'miss']);
});

test('a reading has the latest three pages of what it reads in memory, and none once it is closed', async () => {
  const { paged, memory } = open({ pageBytes: 1000 });
  const origin = new Origin(9_500);
  const THREE_PAGES = 3 * 2_000; // with their bookkeeping
  for (const outcome of ['miss', 'memory']) {
    const reading = await paged.read('k', origin);
    assert.equal(reading?.outcome, outcome);
    let most = 0;
    for await (const _ of await reading.open('whole')) most = Math.max(most, memory.lentBytes);
    assert.ok(most > THREE_PAGES / 2 && most <= THREE_PAGES, `${most}`);
    assert.ok(memory.lentBytes > 0, 'its last bytes may not have gone out');
    reading.close();
    assert.equal(memory.lentBytes, 0);
  }
});

test('a reading that is closed before its end gives back the page that was begun ahead, too', async () => {
  const { paged, memory } = open();
  const origin = new Origin(1000);
  const { promise, resolve } = Promise.withResolvers<void>();
  origin.gates.set(100, promise);
  const reading = await paged.read('k', origin);
  const body = await reading?.open('whole');
  await new Promise((read) => body?.once('data', read));
  while (!origin.asked.includes(100)) await new Promise(setImmediate);
  body?.destroy();
  reading?.close();
  resolve();
  while (memory.lentBytes > 0) await new Promise(setImmediate);
  assert.equal(memory.size, 2);
});
