import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { histogramChart } from './histogram-chart.ts';

/** 0.01, 0.1, 1, 10 ms at every tenth of 40 buckets. */
const BOUNDS = Array.from({ length: 40 }, (_, at) => 10 ** (at / 10 - 2));

function counts(filled: Readonly<Record<number, number>>): number[] {
  return BOUNDS.map((_, at) => filled[at] ?? 0);
}

describe('the histogram', () => {
  test('draws hits and misses apart, in proportion, and nothing that is there as nothing', () => {
    const hits = counts({ 0: 1, 10: 800, 11: 400, 20: 100 });
    const misses = counts({ 11: 200, 20: 300, 30: 2 });
    const chart = histogramChart({ bounds: BOUNDS, hits, misses }, 4);
    assert.deepEqual(chart, [
      '          |',
      '          |#',
      '          ||        #',
      '|         ||        |         #',
      '+---------+---------+---------+---------',
      '10 µs     100 µs    1.0 ms    10 ms',
      '',
      '| hits    1,301: 50 % within 100 µs, 90 % within 126 µs, 99 % within 1.0 ms',
      '# misses  502: 50 % within 1.0 ms, 90 % within 1.0 ms, 99 % within 1.0 ms',
    ]);
  });

  test('shows both where one of both is rare', () => {
    const chart = histogramChart({ bounds: BOUNDS, hits: counts({ 5: 1 }), misses: counts({ 5: 999 }) }, 3);
    assert.deepEqual(chart.slice(0, 3), ['     #', '     #', '     |']);
    const flat = histogramChart(
      { bounds: BOUNDS, hits: counts({ 0: 9_999, 5: 1 }), misses: counts({ 5: 1 }) },
      3,
    );
    assert.deepEqual(flat.slice(0, 3), ['|', '|    #', '|    |']);
  });

  test('says where there is nothing to draw, and where one of both is missing', () => {
    assert.deepEqual(histogramChart({ bounds: BOUNDS, hits: counts({}), misses: counts({}) }), [
      'Nothing was answered from the cache or by an origin yet.',
    ]);
    const chart = histogramChart({ bounds: BOUNDS, hits: counts({ 3: 1 }), misses: counts({}) });
    assert.equal(chart.at(-1), '# misses  0');
  });
});
