import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { PAGE_BYTES as BLOCK_BYTES, pumpBlocks } from './pump-blocks.ts';

const BODY = randomBytes(5 * BLOCK_BYTES + 1234);

/** Of `BODY`, as it would be read from a file; each turn the pages hold something else. */
function reader(reads: number[] = []) {
  return async (page: Buffer, position: number, last: number): Promise<Buffer> => {
    reads.push(position);
    const start = position - (position % BLOCK_BYTES);
    page.fill(reads.length);
    BODY.copy(page, 0, start, start + BLOCK_BYTES);
    await setImmediate();
    const end = Math.min(start + BLOCK_BYTES, last + 1, BODY.length);
    return page.subarray(position - start, end - start);
  };
}

/** Looks at what it is given only later, as a system does that has not taken it yet. */
class SlowSink extends Writable {
  readonly taken: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    void setImmediate().then(() => {
      this.taken.push(Buffer.from(chunk));
      done();
    });
  }
}

test('any span comes out whole, though its pages are used again while the sink still holds the one before', async () => {
  const span = fc
    .tuple(fc.nat(BODY.length - 1), fc.nat(BODY.length - 1))
    .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  await fc.assert(
    fc.asyncProperty(span, async (asked) => {
      const sink = new SlowSink();
      let [counted, begun] = [0, 0];
      const onBytes = (bytes: number): void => {
        counted += bytes;
      };
      await pumpBlocks(reader(), sink, asked, { begin: () => void begun++, onBytes });
      const whole = Buffer.concat(sink.taken);
      assert.ok(whole.equals(BODY.subarray(asked.first, asked.last + 1)));
      assert.deepEqual([counted, begun, sink.destroyed], [whole.length, 1, false]);
    }),
    { numRuns: 40 },
  );
});

test('no more than one block is read ahead of what the sink has taken', async () => {
  const reads: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const sink = new Writable({ write: (_chunk, _encoding, done) => void promise.then(() => done()) });
  const pumped = pumpBlocks(
    reader(reads),
    sink,
    { first: 0, last: BODY.length - 1 },
    { begin() {}, onBytes() {} },
  );
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.equal(reads.length, 2);
  resolve();
  await pumped;
  assert.equal(reads.length, 6);
});

test('a block that is wrong is thrown before its bytes go, and the first one before anything begins', async () => {
  for (const bad of [0, 2]) {
    const sink = new SlowSink();
    let begun = 0;
    const read = reader();
    const failing = async (page: Buffer, position: number, last: number): Promise<Buffer> => {
      const bytes = await read(page, position, last);
      if (Math.floor(position / BLOCK_BYTES) === bad) throw new Error('wrong');
      return bytes;
    };
    const options = { begin: () => void begun++, onBytes() {} };
    await assert.rejects(pumpBlocks(failing, sink, { first: 0, last: BODY.length - 1 }, options), /wrong/);
    assert.ok(Buffer.concat(sink.taken).equals(BODY.subarray(0, bad * BLOCK_BYTES)));
    assert.equal(begun, bad === 0 ? 0 : 1);
  }
});

test('a sink that is closed in the middle ends it, and nothing more is read', async () => {
  const reads: number[] = [];
  const sink = new Writable({ write() {} });
  const pumped = pumpBlocks(
    reader(reads),
    sink,
    { first: 0, last: BODY.length - 1 },
    { begin() {}, onBytes() {} },
  );
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  sink.destroy();
  await pumped;
  assert.equal(reads.length, 2);
});
