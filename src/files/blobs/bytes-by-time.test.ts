import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesByTime } from './bytes-by-time.ts';

const NOTHING = { before: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY, bytes: 0 };

function ages(rows: readonly (readonly [number, number])[], mostSlots?: number): BytesByTime {
  const bytes = new BytesByTime(mostSlots);
  for (const [at, size] of rows) bytes.add(at, size);
  return bytes;
}

test('what fits stays', () => {
  assert.deepEqual(ages([]).beyond(0), NOTHING);
  assert.deepEqual(ages([[5, 10]]).beyond(10), NOTHING);
  assert.deepEqual(ages([[5, 10]]).beyond(Number.POSITIVE_INFINITY), NOTHING);
});

test('the oldest goes, and of the last moment as much as is needed', () => {
  const bytes = ages([
    [30, 5],
    [10, 5],
    [20, 5],
  ]);
  assert.deepEqual(bytes.beyond(14), { before: 10, until: 11, bytes: 1 });
  assert.deepEqual(bytes.beyond(10), { before: 10, until: 11, bytes: 5 });
  assert.deepEqual(bytes.beyond(9), { before: 20, until: 21, bytes: 1 });
  assert.deepEqual(bytes.beyond(0), { before: 30, until: 31, bytes: 5 });
});

test('however few slots there are, what is said to go is the excess, and lies where it is said', () => {
  const rows = fc.array(fc.tuple(fc.nat({ max: 5000 }), fc.nat({ max: 100 })), { maxLength: 200 });
  fc.assert(
    fc.property(rows, fc.nat({ max: 5000 }), fc.integer({ min: 1, max: 50 }), (all, mostBytes, slots) => {
      const bytes = ages(all, slots);
      const total = all.reduce((sum, [, size]) => sum + size, 0);
      assert.equal(bytes.total, total);
      const { before, until, bytes: ofThese } = bytes.beyond(mostBytes);
      const sum = (from: number, to: number): number =>
        all.filter(([at]) => at >= from && at < to).reduce((rest, [, size]) => rest + size, 0);
      const older = sum(Number.NEGATIVE_INFINITY, before);
      assert.equal(older + ofThese, Math.max(0, total - mostBytes));
      assert.ok(sum(before, until) >= ofThese);
    }),
  );
});
