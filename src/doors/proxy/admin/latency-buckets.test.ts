import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LATENCY_BOUNDS, latencyBucket } from './latency-buckets.ts';

test('a time is in the first bucket whose bound it does not exceed', () => {
  const longest = LATENCY_BOUNDS.at(-1) ?? 0;
  const time = fc.oneof(
    fc.double({ min: 0, max: longest, noNaN: true }),
    fc.integer({ min: -30, max: 50 }).map((tenths) => 10 ** (tenths / 10)),
    fc.constantFrom(...LATENCY_BOUNDS),
  );
  fc.assert(
    fc.property(time, (ms) => {
      const expected = LATENCY_BOUNDS.findIndex((bound) => bound >= ms);
      assert.equal(latencyBucket(ms), expected < 0 ? LATENCY_BOUNDS.length - 1 : expected);
    }),
  );
});

test('what is longer than every bound, and what is no time, has a bucket too', () => {
  for (const ms of [1e9, Number.POSITIVE_INFINITY, Number.NaN])
    assert.equal(latencyBucket(ms), LATENCY_BOUNDS.length - 1);
  assert.equal(latencyBucket(-1), 0);
});

test('bounds rise, ten a decade', () => {
  assert.deepEqual(
    LATENCY_BOUNDS.toSorted((a, b) => a - b),
    LATENCY_BOUNDS,
  );
  assert.deepEqual([LATENCY_BOUNDS[0], LATENCY_BOUNDS[10], LATENCY_BOUNDS[20]], [0.01, 0.1, 1]);
});
