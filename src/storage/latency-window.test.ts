import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatencyWindow } from './latency-window.ts';

function windowOf(latencies: readonly number[]): LatencyWindow {
  const window = new LatencyWindow();
  for (const ms of latencies) window.add(ms);
  return window;
}

test('nothing is told of fewer than 50', () => {
  assert.equal(windowOf(Array(49).fill(7)).quantile(0.5), undefined);
  assert.equal(windowOf(Array(50).fill(7)).quantile(0.5), 7);
});

test('a quantile is one of those that were seen, by the nearest rank', () => {
  const window = windowOf(Array.from({ length: 100 }, (_, index) => 100 - index));
  assert.deepEqual(
    [0, 0.01, 0.5, 0.99, 0.999].map((share) => window.quantile(share)),
    [1, 1, 50, 99, 100],
  );
});

test('a quantile is that of the latest 512, whatever came before', () => {
  const latency = fc.oneof(fc.nat(20), fc.double({ min: 0, max: 1e5, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 50, maxLength: 1500, size: 'max' }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (latencies, share) => {
        const latest = latencies.slice(-512).sort((a, b) => a - b);
        const expected = latest[Math.max(0, Math.ceil(share * latest.length) - 1)];
        assert.equal(windowOf(latencies).quantile(share), expected);
      },
    ),
    { numRuns: 50 },
  );
});
