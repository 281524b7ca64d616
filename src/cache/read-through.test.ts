import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { until } from '../../test/rig/until.ts';
import type { ByteSpan } from '../base/byte-range.ts';
import type { BodyTier } from './body-tier.ts';
import { Lru } from './eviction/lru.ts';
import { GrowingBody } from './growing-body.ts';
import type { Kept } from './kept.ts';
import { MemoryTier } from './memory-tier.ts';
import { type Reading, type ReadOutcome, ReadThrough } from './read-through.ts';
import type { Source, Sourced } from './source.ts';

const TTL = 60_000;

/** A disk tier whose answers a test may hold up. */
class SlowTier implements BodyTier<string> {
  readonly held = new Map<string, { meta: string; bytes: Buffer }>();
  gate: Promise<void> = Promise.resolve();
  /** Before it deletes. */
  deleteGate: Promise<void> | undefined;
  /** Before it takes a body. */
  writeGate: Promise<void> | undefined;

  sizeOf(key: string): number | undefined {
    return this.held.get(key)?.bytes.length;
  }

  async read(key: string) {
    const found = this.held.get(key);
    await this.gate;
    return (
      found && {
        meta: found.meta,
        sizeBytes: found.bytes.length,
        storedAt: 0,
        bytes: async () => found.bytes,
        stream: () => Readable.from([found.bytes]),
        close: () => {},
      }
    );
  }

  async write(key: string, meta: string, sizeBytes: number) {
    await this.writeGate;
    const growing = new GrowingBody(sizeBytes);
    return {
      append: (chunk: Uint8Array) => growing.append(chunk),
      follow: (span: ByteSpan | 'whole') => growing.follow(span),
      letGo: () => growing.letGo(),
      abort: (error: Error) => growing.abort(error),
      commit: async () => {
        await this.gate;
        if (!(await growing.commit())) return false;
        this.held.set(key, { meta, bytes: Buffer.from(growing.bytes ?? []) });
        return true;
      },
    };
  }

  async delete(key: string): Promise<void> {
    await this.deleteGate;
    this.held.delete(key);
  }
}

/** A source that sends what a test pushes. */
class Origin implements Source<string> {
  opened = 0;
  meta = 'v1';
  parts: ByteSpan[] = [];
  body = new PassThrough();
  sizeBytes = 10;
  answer: () => Promise<Sourced<string> | undefined> = async () => ({
    meta: this.meta,
    sizeBytes: this.sizeBytes,
    body: this.body,
  });

  open(): Promise<Sourced<string> | undefined> {
    this.opened++;
    return this.answer();
  }

  async openPart(span: ByteSpan): Promise<Readable> {
    this.parts.push(span);
    return Readable.from([Buffer.alloc(span.last - span.first + 1, 'p')]);
  }
}

function open({
  disk,
  maxBodyBytes = 1000,
  maxFlyingBytes = 1000,
  maxBytes = 100_000,
  maxValueBytes = 500,
}: {
  disk?: SlowTier;
  maxBodyBytes?: number;
  maxFlyingBytes?: number;
  maxBytes?: number;
  maxValueBytes?: number;
} = {}) {
  const clock = new ManualClock(1000);
  const outcomes: ReadOutcome[] = [];
  const memory = new MemoryTier<Kept<string>>({
    ...{ maxBytes, ttlMs: TTL, clock, maxValueBytes },
    eviction: new Lru(),
  });
  const through = new ReadThrough<string>({
    ...{ memory, disk, maxBodyBytes, maxFlyingBytes, clock },
    count: (outcome) => void outcomes.push(outcome),
  });
  return { through, memory, clock, outcomes, origin: new Origin() };
}

async function textOf(reading: Reading<string> | undefined, span: ByteSpan | 'whole' = 'whole') {
  if (!reading) return undefined;
  if (!reading.bytes) return (await buffer(await reading.open(span))).toString();
  const whole = Buffer.from(reading.bytes).toString();
  return span === 'whole' ? whole : whole.slice(span.first, span.last + 1);
}

test('many who ask for what nobody has are one question to the source, and all get the whole', async () => {
  const { through, origin, outcomes } = open();
  const readings = Array.from({ length: 500 }, () => through.read('k', origin));
  origin.body.end('0123456789');
  const texts = await Promise.all(readings.map(async (reading) => textOf(await reading)));
  assert.deepEqual(new Set(texts), new Set(['0123456789']));
  assert.equal(origin.opened, 1);
  assert.deepEqual(
    [outcomes.filter((outcome) => outcome === 'joined').length, outcomes.includes('miss')],
    [499, true],
  );
  assert.equal(await textOf(await through.read('k', origin)), '0123456789');
  assert.equal(outcomes.at(-1), 'memory');
});

test('nobody waits for the whole body: what has come is read while the rest is under way', async () => {
  const { through, origin } = open();
  const stream = await (await through.read('k', origin))?.open('whole');
  const late = await (await through.read('k', origin))?.open({ first: 2, last: 7 });
  assert.ok(stream && late);
  const first = new Promise((resolve) => stream.once('data', (chunk) => resolve(String(chunk))));
  origin.body.write('01234');
  assert.equal(await first, '01234');
  origin.body.end('56789');
  stream.resume();
  assert.equal(await buffer(late).then(String), '234567');
});

test('the last byte is not given out before the source has said that it was the last', async () => {
  const { through, origin } = open();
  const stream = await (await through.read('k', origin))?.open('whole');
  assert.ok(stream);
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  const failed = new Promise((resolve) => stream.once('error', resolve));
  origin.body.write('0123456789');
  await setImmediate();
  origin.body.destroy(new Error('not the right bytes'));
  assert.match(String(await failed), /not the right bytes/);
  assert.ok(text.length < 10, text);
});

test('a reader that leaves ends nobody else’s flight', async () => {
  const { through, origin } = open();
  const leaver = await (await through.read('k', origin))?.open('whole');
  const other = await through.read('k', origin);
  origin.body.write('01234');
  leaver?.destroy();
  origin.body.end('56789');
  assert.equal(await textOf(other), '0123456789');
});

for (const [what, end] of Object.entries<(body: PassThrough) => void>({
  'breaks off': (body) => body.destroy(new Error('reset')),
  'ends short': (body) => body.end(),
  'sends more than it said': (body) => body.end('56789 and more'),
}))
  test(`a source that ${what} fails all who wait, once, and nothing is kept`, async () => {
    const { through, origin, memory } = open();
    const readings = await Promise.all(Array.from({ length: 20 }, () => through.read('k', origin)));
    const reads = readings.map((reading) => textOf(reading));
    origin.body.write('01234');
    await setImmediate();
    end(origin.body);
    for (const { status } of await Promise.allSettled(reads)) assert.equal(status, 'rejected');
    assert.deepEqual([memory.size, origin.opened, through.flights], [0, 1, 0]);
    origin.body = new PassThrough();
    origin.body.end('abcdefghij');
    assert.equal(await textOf(await through.read('k', origin)), 'abcdefghij');
  });

test('a question that the source does not answer fails all who wait for it, and the next one is asked anew', async () => {
  const { through, origin, outcomes } = open();
  const answer = origin.answer;
  origin.answer = () => Promise.reject(new Error('down'));
  const failed = await Promise.allSettled([1, 2, 3].map(() => through.read('k', origin)));
  assert.ok(failed.every(({ status }) => status === 'rejected'));
  assert.deepEqual([origin.opened, outcomes], [1, ['failed', 'failed', 'failed']]);
  origin.answer = answer;
  origin.body.end('0123456789');
  assert.equal(await textOf(await through.read('k', origin)), '0123456789');
});

test('what the source has not is told to all who wait, and is asked again next time', async () => {
  const { through, origin, outcomes } = open();
  origin.answer = async () => undefined;
  assert.deepEqual(await Promise.all([through.read('k', origin), through.read('k', origin)]), [
    undefined,
    undefined,
  ]);
  assert.equal(origin.opened, 1);
  await through.read('k', origin);
  assert.deepEqual([origin.opened, outcomes], [2, ['absent', 'absent', 'absent']]);
});

test('a body that is too large goes through: the first has it, others ask the source for theirs', async () => {
  const { through, origin, memory, outcomes } = open();
  origin.sizeBytes = 2000;
  const [first, second] = await Promise.all([through.read('k', origin), through.read('k', origin)]);
  origin.body.end('w'.repeat(2000));
  assert.equal(await textOf(first), 'w'.repeat(2000));
  assert.equal(await textOf(second, { first: 5, last: 9 }), 'ppppp');
  assert.deepEqual([origin.opened, origin.parts, memory.size], [1, [{ first: 5, last: 9 }], 0]);
  assert.deepEqual(outcomes, ['through', 'through']);
});

test('of a body that goes through, a part is asked of the source and the whole is let go', async () => {
  const { through, origin } = open();
  origin.sizeBytes = 2000;
  assert.equal(await textOf(await through.read('k', origin), { first: 0, last: 3 }), 'pppp');
  assert.ok(origin.body.destroyed);
  origin.body = new PassThrough();
  await through.warm('k', origin);
  assert.ok(origin.body.destroyed);
});

test('what flights hold in memory together is bounded; room comes back when they land', async () => {
  const { through, origin, outcomes } = open({ maxFlyingBytes: 25 });
  const others = [new Origin(), new Origin()];
  await Promise.all(others.map((other, i) => through.read(`other ${i}`, other)));
  (await through.read('k', origin))?.close();
  assert.equal(outcomes.at(-1), 'through');
  for (const other of others) other.body.end('0123456789');
  await setImmediate();
  await setImmediate();
  origin.body = new PassThrough();
  await through.read('k', origin);
  assert.equal(outcomes.at(-1), 'miss');
});

test('a body that finds no room in memory flies to the disk tier, and is read while it does', async () => {
  const disk = new SlowTier();
  const { through, origin, memory, outcomes } = open({ disk });
  origin.sizeBytes = 600;
  const readings = await Promise.all([through.read('k', origin), through.read('k', origin)]);
  origin.body.write('a'.repeat(500));
  origin.body.end('b'.repeat(100));
  for (const reading of readings) assert.equal((await textOf(reading))?.length, 600);
  await through.close();
  assert.deepEqual([disk.sizeOf('k'), memory.size], [600, 0]);
  assert.equal((await textOf(await through.read('k', origin)))?.length, 600);
  assert.deepEqual(outcomes, ['miss', 'joined', 'disk']);
});

test('what was fetched is in both tiers; from the disk tier it comes back to memory with the age that it has', async () => {
  const disk = new SlowTier();
  const { through, origin, memory, clock, outcomes } = open({ disk });
  origin.body.end('0123456789');
  await textOf(await through.read('k', origin));
  await through.close();
  memory.delete('k');
  assert.equal(await textOf(await through.read('k', origin)), '0123456789');
  assert.deepEqual(outcomes, ['miss', 'disk']);
  assert.equal(memory.size, 1);
  clock.advance(TTL - 1000); // the tier above says that it was stored at 0, and now was 1000
  assert.equal(through.hot('k'), undefined);
});

test('one reading of the disk tier is for all who ask meanwhile', async () => {
  const disk = new SlowTier();
  disk.held.set('k', { meta: 'v1', bytes: Buffer.from('0123456789') });
  const { through, origin } = open({ disk });
  let reads = 0;
  const read = disk.read.bind(disk);
  disk.read = (key) => {
    reads++;
    return read(key);
  };
  const all = await Promise.all(Array.from({ length: 50 }, () => through.read('k', origin)));
  assert.ok(all.every((reading) => reading?.bytes));
  assert.deepEqual([reads, origin.opened], [1, 0]);
});

test('what is forgotten while it flies is read by those who wait for it, and kept nowhere', async () => {
  const disk = new SlowTier();
  const { through, origin, memory } = open({ disk });
  const waiting = await through.read('k', origin);
  await through.forget('k');
  const newer = new Origin();
  newer.meta = 'v2';
  const after = await through.read('k', newer);
  origin.body.end('0123456789');
  newer.body.end('abcdefghij');
  assert.equal(await textOf(waiting), '0123456789');
  assert.equal(await textOf(after), 'abcdefghij');
  await through.close();
  assert.equal(memory.get('k')?.meta, 'v2');
  assert.equal(disk.held.get('k')?.meta, 'v2');
});

test('what is forgotten while it flies to the disk tier is read to its end by those who wait for it, too', async () => {
  const disk = new SlowTier();
  const { through, origin } = open({ disk });
  origin.sizeBytes = 600;
  const waiting = await through.read('k', origin);
  const text = textOf(waiting);
  origin.body.write('a'.repeat(300));
  await through.forget('k');
  origin.body.end('b'.repeat(300));
  assert.equal((await text)?.length, 600);
  await through.close();
  assert.equal(disk.sizeOf('k'), undefined);
});

test('what is forgotten while it is read from the disk tier does not come back to memory', async () => {
  const disk = new SlowTier();
  disk.held.set('k', { meta: 'old', bytes: Buffer.from('0123456789') });
  const { through, origin, memory } = open({ disk });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.gate = promise;
  const reading = through.read('k', origin);
  await through.forget('k');
  resolve();
  assert.equal((await reading)?.meta, 'old');
  assert.equal(memory.size, 0);
});

test('what is filled in while its predecessor is still being written to the disk tier is what remains', async () => {
  const disk = new SlowTier();
  const { through, origin, memory } = open({ disk });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.gate = promise;
  origin.body.end('0123456789');
  await textOf(await through.read('k', origin));
  const filled = through.fill('k', { meta: 'new', bytes: Buffer.from('abc') });
  assert.equal(memory.size, 0);
  resolve();
  await filled;
  await through.close();
  assert.equal(disk.held.get('k')?.meta, 'new');
  assert.equal(await textOf(await through.read('k', origin)), 'abc');
});

test('what the disk tier still holds of a key that is being forgotten is not asked for', async () => {
  const disk = new SlowTier();
  disk.held.set('k', { meta: 'old', bytes: Buffer.from('0123456789') });
  const { through, origin } = open({ disk });
  const [reading, deleting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  [disk.gate, disk.deleteGate] = [reading.promise, deleting.promise];
  origin.meta = 'new';
  origin.body.end('abcdefghij');
  const forgotten = through.forget('k');
  const meanwhile = through.read('k', origin);
  deleting.resolve();
  await forgotten;
  reading.resolve();
  assert.equal((await meanwhile)?.meta, 'new');
  await setImmediate();
  assert.equal((await through.read('k', origin))?.meta, 'new');
});

test('what was forgotten again while it was filled in is not kept', async () => {
  const disk = new SlowTier();
  const { through, memory } = open({ disk });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.deleteGate = promise;
  const filled = through.fill('k', { meta: 'old', bytes: Buffer.from('abc') });
  const forgotten = through.forget('k');
  resolve();
  await Promise.all([filled, forgotten]);
  await through.close();
  assert.deepEqual([memory.get('k'), disk.sizeOf('k')], [undefined, undefined]);
});

test('a body that breaks off while room is made for it fails those who read it, and nobody else', async () => {
  const disk = new SlowTier();
  const { through, origin } = open({ disk });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.writeGate = promise;
  origin.sizeBytes = 600;
  const reading = through.read('k', origin);
  await setImmediate();
  origin.body.destroy(new Error('reset'));
  await setImmediate();
  resolve();
  await assert.rejects(async () => textOf(await reading));
  assert.equal(disk.sizeOf('k'), undefined);
});

test('a body that memory cannot be had for fails those who ask, is let go and takes no room', async () => {
  const { through, origin, outcomes } = open({
    maxBytes: 2 ** 52,
    maxBodyBytes: 2 ** 50,
    maxFlyingBytes: 2 ** 50,
    maxValueBytes: 2 ** 50,
  });
  origin.sizeBytes = 2 ** 50;
  await assert.rejects(through.read('k', origin), RangeError);
  assert.ok(origin.body.destroyed);
  const next = new Origin();
  next.body.end('0123456789');
  assert.equal(await textOf(await through.read('other', next)), '0123456789');
  assert.deepEqual(outcomes, ['failed', 'miss']);
});

test('whoever asks while a body is made an entry of the disk tier joins its flight', async () => {
  const disk = new SlowTier();
  const { through, origin, outcomes } = open({ disk });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.gate = promise;
  origin.sizeBytes = 600;
  origin.body.end('a'.repeat(600));
  await through.read('k', origin);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  const late = await through.read('k', origin);
  resolve();
  assert.equal((await textOf(late))?.length, 600);
  assert.deepEqual([outcomes, origin.opened], [['miss', 'joined'], 1]);
});

test('a body is warm when it is in a tier, not when it begins to come', async () => {
  const { through, origin, memory } = open();
  let isWarm = false;
  const warming = through.warm('k', origin).then(() => {
    isWarm = true;
  });
  origin.body.write('01234');
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.equal(isWarm, false);
  origin.body.end('56789');
  await warming;
  assert.equal(memory.size, 1);
});

test('a body that breaks off does not warm anything', async () => {
  const { through, origin } = open();
  const warming = through.warm('k', origin);
  origin.body.write('01234');
  origin.body.destroy(new Error('reset'));
  await assert.rejects(warming, /reset/);
});

test('closing ends what is still being fetched', async () => {
  const { through, origin } = open();
  const warming = through.warm('k', origin);
  origin.body.write('01234');
  await setImmediate();
  await through.close();
  await assert.rejects(warming);
  assert.ok(origin.body.destroyed);
  const late = new Origin();
  await assert.rejects(through.warm('late', late));
  assert.ok(late.body.destroyed);
});

test('a trouble of the disk tier is nobody’s failure', async () => {
  const disk = new SlowTier();
  const { through, origin } = open({ disk });
  disk.gate = Promise.reject(new Error('no room'));
  disk.gate.catch(() => {});
  origin.body.end('0123456789');
  assert.equal(await textOf(await through.read('k', origin)), '0123456789');
  await through.close();
  assert.equal(await textOf(await through.read('k', origin)), '0123456789');
});

test('a body of no bytes that goes through is asked for once: it has no part', async () => {
  const { through, origin } = open({ maxBytes: 0 });
  origin.sizeBytes = 0;
  origin.body.end();
  const readings = await Promise.all([through.read('k', origin), through.read('k', origin)]);
  for (const reading of readings) assert.equal(await textOf(reading), '');
  assert.deepEqual([origin.opened, origin.parts], [1, []]);
});

test('a body of no bytes is one', async () => {
  const { through, origin } = open();
  origin.sizeBytes = 0;
  origin.body.end();
  assert.equal(await textOf(await through.read('k', origin)), '');
});

test('what turns out to belong under another key while it flies is kept there, and forgotten with the key that was asked for', async () => {
  const disk = new SlowTier();
  const { through, origin, memory } = open({ disk });
  origin.answer = async () => ({ meta: 'v1', sizeBytes: 10, body: origin.body, keptAs: 'other' });
  const [first, second] = await Promise.all([through.read('k', origin), through.read('k', origin)]);
  origin.body.end('0123456789');
  assert.deepEqual([await textOf(first), await textOf(second)], ['0123456789', '0123456789']);
  await until(async () => disk.held.size === 1);
  assert.deepEqual([memory.get('k'), memory.get('other')?.meta], [undefined, 'v1']);
  assert.deepEqual([...disk.held.keys()], ['other']);

  await through.forget('other');
  origin.body = new PassThrough();
  const waiting = await through.read('k', origin);
  await through.forget('k');
  origin.body.end('0123456789');
  assert.equal(await textOf(waiting), '0123456789');
  assert.deepEqual([memory.size, disk.held.size, origin.opened], [0, 0, 2]);
});

/** Larger than the half of a tier of this size. */
const LARGE = 400;
const ONE_LARGE = 2_000;

test('a body that went from memory while it is read counts there until its reading is closed', async () => {
  const { through, memory, origin } = open({ maxBytes: ONE_LARGE });
  await through.fill('k', { meta: 'v1', bytes: Buffer.alloc(LARGE, 'k') });
  const reading = await through.read('k', origin);
  await through.forget('k');
  assert.deepEqual([memory.size, memory.bytes > LARGE, memory.lentBytes], [0, true, memory.bytes]);
  reading?.close();
  assert.equal(memory.bytes, 0);
});

test('a body in flight takes room in memory from its beginning, and a reader’s part of it until it is closed', async () => {
  const { through, memory, origin } = open({ maxBytes: ONE_LARGE });
  await through.fill('other', { meta: 'v1', bytes: Buffer.alloc(LARGE) });
  origin.sizeBytes = LARGE;
  const reading = await through.read('k', origin);
  assert.ok(reading && memory.lentBytes === memory.bytes && memory.bytes > LARGE, 'the other made room');
  const body = await reading.open({ first: 1, last: 2 });
  origin.body.end(Buffer.alloc(LARGE, 'k'));
  assert.equal((await buffer(body)).toString(), 'kk');
  await through.forget('k');
  assert.equal(memory.lentBytes, memory.bytes);
  reading.close();
  assert.equal(memory.bytes, 0);
});

test('a flight that fails gives back what it took', async () => {
  const { through, memory, origin } = open();
  const reading = await through.read('k', origin);
  const failed = buffer((await reading?.open('whole')) ?? Readable.from([]));
  origin.body.destroy(new Error('reset'));
  await assert.rejects(failed, /reset/);
  reading?.close();
  assert.deepEqual([memory.bytes, memory.lentBytes], [0, 0]);
});

test('where what is lent leaves no room a body is read past the tiers, and another once it is given back', async () => {
  const { through, memory, origin, outcomes } = open({ maxBytes: ONE_LARGE });
  await through.fill('lent', { meta: 'v1', bytes: Buffer.alloc(LARGE) });
  const lent = await through.read('lent', origin);
  origin.sizeBytes = LARGE;
  origin.body.end(Buffer.alloc(LARGE, 'k'));
  assert.equal((await textOf(await through.read('k', origin)))?.length, LARGE);
  assert.deepEqual([outcomes.at(-1), memory.size], ['through', 1]);
  lent?.close();
  origin.body = new PassThrough();
  const reading = await through.read('k', origin);
  origin.body.end(Buffer.alloc(LARGE, 'k'));
  assert.equal((await textOf(reading))?.length, LARGE);
  assert.equal(outcomes.at(-1), 'miss');
});

test('where what is lent leaves no room a body of the disk tier is read in pieces', async () => {
  const disk = new SlowTier();
  const { through, origin } = open({ disk, maxBytes: ONE_LARGE });
  await through.fill('lent', { meta: 'v1', bytes: Buffer.alloc(LARGE) });
  const lent = await through.read('lent', origin);
  disk.held.set('k', { meta: 'v1', bytes: Buffer.alloc(LARGE, 'k') });
  for (const isLent of [true, false]) {
    const reading = await through.find('k');
    assert.deepEqual([reading?.outcome, reading?.bytes === undefined], ['disk', isLent]);
    assert.equal((await textOf(reading))?.length, LARGE);
    lent?.close();
  }
});

test('whoever joins a flight that has no room for them any more asks the source', async () => {
  const { through, memory, origin, outcomes } = open();
  const lend = memory.lend.bind(memory);
  let loans = 0;
  memory.lend = (...value) => (loans++ < 2 ? lend(...value) : undefined); // the flight’s own, and the first reader’s
  const readings = [through.read('k', origin), through.read('k', origin)];
  origin.body.end('0123456789');
  const texts = await Promise.all(readings.map(async (reading) => textOf(await reading)));
  assert.deepEqual(texts, ['0123456789', 'p'.repeat(10)]);
  assert.deepEqual([outcomes, origin.parts], [['miss', 'through'], [{ first: 0, last: 9 }]]);
});

test('a body that is here already is kept in both tiers at once, and counts until it is given back', async () => {
  const disk = new SlowTier();
  const { through: cache, memory } = open({ disk });
  const giveBack = cache.add('k', { meta: 'm', bytes: Buffer.from('hello') });
  assert.equal(cache.hot('k')?.bytes.length, 5);
  assert.ok(memory.lentBytes > 0);
  giveBack?.();
  assert.equal(memory.lentBytes, 0);
  await cache.close();
  assert.equal(disk.held.get('k')?.bytes.toString(), 'hello');
});

test('a body that is here already and too large, or comes after the end, is kept nowhere', async () => {
  const disk = new SlowTier();
  const { through: cache } = open({ disk, maxBodyBytes: 4 });
  assert.equal(cache.add('large', { meta: 'm', bytes: Buffer.from('hello') }), undefined);
  await cache.close();
  assert.equal(cache.add('late', { meta: 'm', bytes: Buffer.from('hey') }), undefined);
  assert.equal(cache.hot('large') ?? cache.hot('late'), undefined);
  assert.equal(disk.held.size, 0);
});
