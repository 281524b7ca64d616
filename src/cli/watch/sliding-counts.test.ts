import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OTHERS, SlidingCounts } from './sliding-counts.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('counts of the last minute', () => {
  test('rank names by how often they came, and by name where that is the same', () => {
    const counts = new SlidingCounts();
    for (const name of ['/b', '/c', '/a', '/c']) counts.add(name, NOW - 500, NOW);
    assert.deepEqual(counts.ranking(2, NOW), {
      total: 4,
      spanMs: 1_000,
      rows: [
        { name: '/c', count: 2 },
        { name: '/a', count: 1 },
      ],
    });
  });

  test('forget what came a minute ago, to the second', () => {
    const counts = new SlidingCounts();
    counts.add('/old', NOW, NOW);
    counts.add('/new', NOW + 30_000, NOW + 30_000);
    const totalAt = (now: number): number => counts.ranking(9, now).total;
    assert.equal(totalAt(NOW + 59_999), 2);
    assert.equal(totalAt(NOW + 60_000), 1);
    assert.equal(totalAt(NOW + 90_000), 0);
  });

  test('take in what is told late, but not what is over', () => {
    const counts = new SlidingCounts();
    counts.add('/now', NOW, NOW);
    counts.add('/late', NOW - 59_000, NOW);
    counts.add('/over', NOW - 60_001, NOW);
    counts.add('/ahead', NOW + 5_000, NOW);
    const { total, spanMs, rows } = counts.ranking(9, NOW);
    assert.deepEqual([total, spanMs], [3, 59_000]);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['/ahead', '/late', '/now'],
    );
    assert.equal(counts.ranking(9, NOW + 60_000).total, 0, 'a clock ahead of ours changes nothing');
  });

  test('keep so many names of a second, and count others together', () => {
    const counts = new SlidingCounts();
    for (let n = 0; n < 10_005; n++) counts.add(`/${n}`, NOW, NOW);
    counts.add('/7', NOW, NOW);
    const { total, rows } = counts.ranking(2, NOW);
    assert.equal(total, 10_006);
    assert.deepEqual(rows, [
      { name: OTHERS, count: 5 },
      { name: '/7', count: 2 },
    ]);
  });

  test('are none at first', () => {
    assert.deepEqual(new SlidingCounts().ranking(5, NOW), { total: 0, spanMs: 0, rows: [] });
  });
});
