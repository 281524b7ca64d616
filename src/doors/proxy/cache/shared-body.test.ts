import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { type BodyRoom, SharedBody } from './shared-body.ts';

const WINDOW_BYTES = 256 * 1024;

/** Counts, and has room for so many bytes. */
class Room implements BodyRoom {
  readonly #maxBytes: number;
  bytes = 0;

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  claim(bytes: number): boolean {
    if (this.bytes + bytes > this.#maxBytes) return false;
    this.bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.bytes -= bytes;
  }
}

function opened(source: Readable, maxBytes: number, room: Room, clock = new ManualClock()): SharedBody {
  return new SharedBody(source, maxBytes, room, clock);
}

/** Until nothing is left to do but what somebody waits for. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise(setImmediate);
}

function endless(chunkBytes: number): { readonly source: Readable; readonly given: () => number } {
  let given = 0;
  const source = new Readable({
    highWaterMark: 1,
    read() {
      setImmediate(() => {
        if (this.destroyed) return;
        given += chunkBytes;
        this.push(Buffer.alloc(chunkBytes, 'x'));
      });
    },
  });
  return { source, given: () => given };
}

test('whoever comes while a body comes has all of it from its first byte, as it comes', async () => {
  const source = new PassThrough();
  const room = new Room();
  const shared = opened(source, 100, room);
  const early = shared.follow();
  source.write('one ');
  await once(early, 'readable');
  assert.equal(String(early.read()), 'one ');
  const late = shared.follow();
  source.end('two');
  assert.equal(String(await buffer(late)), 'one two');
  assert.equal(String(await buffer(early)), 'two');
  assert.equal(String(await shared.ended), 'one two');
  assert.ok(shared.isOpen);
  assert.equal(String(await buffer(shared.follow())), 'one two', 'and still when it is whole');
  assert.equal(room.bytes, 0);
});

test('a body without a byte ends at once for all', async () => {
  const source = new PassThrough();
  const shared = opened(source, 100, new Room());
  const reader = shared.follow();
  source.end();
  assert.equal((await buffer(reader)).length, 0);
  assert.equal((await buffer(shared.follow())).length, 0);
  assert.deepEqual(await shared.ended, Buffer.alloc(0));
});

test('where the source fails every reader fails, after what had come', async () => {
  const source = new PassThrough();
  const room = new Room();
  const shared = opened(source, 100, room);
  const readers = [shared.follow(), shared.follow()];
  const failed = readers.map((reader) => assert.rejects(buffer(reader), /broke/));
  source.write('some');
  await settled();
  source.destroy(new Error('it broke'));
  await Promise.all(failed);
  await assert.rejects(shared.ended, /broke/);
  assert.equal(shared.isOpen, false);
  assert.equal(room.bytes, 0);
});

test('a reader that stops holds nobody up as long as all of it is kept', async () => {
  const source = new PassThrough();
  const room = new Room();
  const shared = opened(source, 10_000_000, room);
  const stopped = shared.follow();
  const reader = buffer(shared.follow());
  source.end(Buffer.alloc(2_000_000, 'x'));
  assert.equal((await reader).length, 2_000_000);
  await shared.ended;
  assert.equal(room.bytes, 2_000_000, 'it counts as long as somebody reads it');
  stopped.destroy();
  await once(stopped, 'close');
  assert.equal(room.bytes, 0);
});

test('of a body that outgrows its room no more is held than the slowest reader is behind by', async () => {
  const { source, given } = endless(64 * 1024);
  const shared = opened(source, 100_000, new Room());
  const slow = shared.follow();
  const quick = shared.follow();
  let read = 0;
  quick.on('data', (chunk: Buffer) => {
    read += chunk.length;
  });
  await settled();
  assert.equal(shared.isOpen, false);
  // What the stopped one has in its stream, the window, the chunk that filled it and the one in the source.
  assert.ok(given() <= 2 * WINDOW_BYTES + 3 * 64 * 1024, `${given()}`);
  const before = read;
  slow.read();
  await settled();
  assert.ok(read > before, 'where the slow one goes on, all do');
  slow.destroy();
  await settled();
  assert.ok(read > before + 4 * WINDOW_BYTES, 'where it leaves, nobody waits for it');
  quick.destroy();
  await once(source, 'close');
  assert.equal(
    await shared.ended.catch(() => 'ended'),
    'ended',
    'nobody reads it: it is not fetched further',
  );
});

test('who stops reading what outgrew is cut off after a while, where others wait for it', async () => {
  const { source } = endless(64 * 1024);
  const clock = new ManualClock();
  const shared = opened(source, 100_000, new Room(), clock);
  const stopped = shared.follow();
  const cut = once(stopped, 'error');
  const alone = shared.follow();
  await settled();
  clock.advance(30_000);
  await settled();
  assert.ok(!stopped.destroyed && !alone.destroyed, 'where all stop, nobody is held up');
  let read = 0;
  alone.on('data', (chunk: Buffer) => {
    read += chunk.length;
  });
  await settled();
  const before = read;
  clock.advance(29_999);
  await settled();
  assert.equal(read, before);
  clock.advance(1);
  await cut;
  await settled();
  assert.ok(read > before + WINDOW_BYTES);
  alone.destroy();
  await once(source, 'close');
});

test('a body that outgrows while nobody reads it is given up; one that is small comes to its end', async () => {
  const { source } = endless(64 * 1024);
  const outgrown = opened(source, 100_000, new Room());
  await assert.rejects(outgrown.ended);
  assert.ok(source.destroyed);
  const small = opened(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 100, new Room());
  assert.equal(String(await small.ended), 'abc');
});

test('a room that is full makes a body outgrow, and has its bytes back when all have left', async () => {
  const room = new Room(150_000);
  const { source } = endless(64 * 1024);
  const shared = opened(source, 10_000_000, room);
  const reader = shared.follow();
  await settled();
  assert.equal(shared.isOpen, false);
  assert.ok(room.bytes > 0 && room.bytes <= 150_000);
  reader.destroy();
  await once(source, 'close');
  await settled();
  assert.equal(room.bytes, 0);
});

/** What a reader does: how many bytes it takes at a time, and after how many it leaves. */
interface Habit {
  readonly joinsAfter: number;
  readonly pauses: number;
  readonly leavesAfter: number;
}

const habit = fc.record({
  joinsAfter: fc.nat(12),
  pauses: fc.nat(3),
  leavesAfter: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(400_000)),
});

async function read(stream: Readable, { pauses, leavesAfter }: Habit): Promise<Buffer | 'left' | 'failed'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > leavesAfter) return 'left';
      for (let turn = 0; turn < pauses; turn++) await new Promise(setImmediate);
    }
  } catch {
    return 'failed';
  }
  return Buffer.concat(chunks);
}

test('whatever the chunks and the readers are like, each gets exactly what came, or a failure', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 12 }),
      fc.array(habit, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(0, 1_000, 300_000, Number.POSITIVE_INFINITY),
      fc.constantFrom(10_000, 500_000, Number.POSITIVE_INFINITY),
      fc.boolean(),
      async (sizes, habits, maxBytes, roomBytes, fails) => {
        const room = new Room(roomBytes);
        const chunks = sizes.map((size, at) => Buffer.alloc(size, `${at}-`));
        const whole = digestOf(Buffer.concat(chunks));
        const source = new PassThrough({ highWaterMark: 1 });
        const shared = opened(source, maxBytes, room);
        const readers: Promise<Buffer | 'left' | 'failed'>[] = [];
        const join = (turn: number): void => {
          for (const one of habits)
            if (one.joinsAfter === turn && shared.isOpen) readers.push(read(shared.follow(), one));
        };
        for (let turn = 0; turn <= 12; turn++) {
          join(turn);
          const chunk = chunks[turn];
          if (!chunk || source.destroyed) continue;
          source.write(chunk);
          while (source.writableNeedDrain && !source.destroyed) await new Promise(setImmediate);
        }
        if (fails) source.destroy(new Error('it broke'));
        else source.end();
        const kept = await shared.ended.catch(() => undefined);
        for (const what of await Promise.all(readers)) {
          if (fails) assert.ok(typeof what === 'string');
          else if (what !== 'left') assert.equal(typeof what === 'string' ? what : digestOf(what), whole);
        }
        if (kept) assert.equal(digestOf(Buffer.from(kept)), whole);
        await settled();
        assert.equal(room.bytes, 0);
      },
    ),
    { numRuns: 150 },
  );
});

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
