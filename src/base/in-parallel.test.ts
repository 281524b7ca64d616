import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel } from './in-parallel.ts';

/** Work whose ends the test brings about. */
function gates(count: number): PromiseWithResolvers<void>[] {
  return Array.from({ length: count }, () => Promise.withResolvers<void>());
}

test('results come in the order of the items, whatever order they end in', async () => {
  const ends = gates(3);
  const all = inParallel(['a', 'b', 'c'], 3, async (item, index) => {
    await ends[index]?.promise;
    return item + index;
  });
  for (const end of ends.toReversed()) end.resolve();
  assert.deepEqual(await all, ['a0', 'b1', 'c2']);
});

test('at most so many items are worked on at a time, and a free place is filled at once', async () => {
  const ends = gates(5);
  const begun: number[] = [];
  const secondWave = Promise.withResolvers<void>();
  const all = inParallel([0, 1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 2) secondWave.resolve();
    await ends[item]?.promise;
  });
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.resolve();
  await secondWave.promise;
  assert.deepEqual(begun, [0, 1, 2]);
  for (const end of ends) end.resolve();
  await all;
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test('after a failure nothing new begins, and what had begun is waited for', async () => {
  const ends = gates(2);
  const log: string[] = [];
  const all = inParallel([0, 1, 2, 3], 2, async (item) => {
    log.push(`begin ${item}`);
    await ends[item]?.promise;
    log.push(`end ${item}`);
  }).catch((error: Error) => log.push(error.message));
  ends[0]?.reject(new Error('zero failed'));
  await ends[0]?.promise.catch(() => {});
  ends[1]?.resolve();
  await all;
  assert.deepEqual(log, ['begin 0', 'begin 1', 'end 1', 'zero failed']);
});

test('of several failures the one that came first is thrown', async () => {
  const ends = gates(2);
  const all = inParallel([0, 1], 2, (item) => ends[item]?.promise ?? Promise.resolve());
  ends[1]?.reject(new Error('came first'));
  await ends[1]?.promise.catch(() => {});
  ends[0]?.reject(new Error('came second'));
  await assert.rejects(all, { message: 'came first' });
});

test('no items need no work', async () => {
  assert.deepEqual(await inParallel([], 4, () => Promise.reject(new Error('not called'))), []);
});

test('work that is done at once leaves others their turn', async () => {
  let [begun, begunBefore] = [0, 0];
  setImmediate(() => {
    begunBefore = begun;
  });
  await inParallel(Array.from({ length: 1000 }), 32, async () => void begun++);
  assert.deepEqual([begunBefore, begun], [64, 1000]);
});
