import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lanes } from './lanes.ts';

/** Runs work of these weights on lanes that are blocked until all of it waits; the order in which it began. */
async function orderOf(width: number, weights: readonly number[]): Promise<number[]> {
  const lanes = new Lanes(width);
  const blocked = Promise.withResolvers<void>();
  for (let lane = 0; lane < width; lane++) lanes.run(0, () => blocked.promise);
  const order: number[] = [];
  for (const [index, weight] of weights.entries()) lanes.run(weight, async () => void order.push(index));
  blocked.resolve();
  await lanes.idle();
  return order;
}

test('of what waits the lightest begins first', async () => {
  assert.deepEqual(await orderOf(1, [30, 10, 20]), [1, 2, 0]);
});

test('what weighs the same begins in the order it came', async () => {
  assert.deepEqual(await orderOf(1, [5, 5, 1, 5]), [2, 0, 1, 3]);
});

test('no more begins than there are lanes', async () => {
  const lanes = new Lanes(2);
  const end = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  for (let count = 0; count < 6; count++) {
    lanes.run(count, async () => {
      most = Math.max(most, ++running);
      await end.promise;
      running--;
    });
  }
  end.resolve();
  await lanes.idle();
  assert.equal(most, 2);
});

test('a failure reaches who asked for the work, and its lane goes on', async () => {
  const lanes = new Lanes(1);
  const failing = lanes.run(1, () => Promise.reject(new Error('broken')));
  const next = lanes.run(1, async () => 'went on');
  await assert.rejects(failing, { message: 'broken' });
  assert.equal(await next, 'went on');
});

test('what waits and what is under way both count until they are done', async () => {
  const lanes = new Lanes(1);
  const end = Promise.withResolvers<void>();
  const first = lanes.run(1, () => end.promise);
  lanes.run(1, async () => {});
  assert.equal(lanes.size, 2);
  end.resolve();
  await first;
  assert.equal(lanes.size, 1);
  await lanes.idle();
  assert.equal(lanes.size, 0);
});

test('idle waits for work that was added while it waited, and does not throw for work that failed', async () => {
  const lanes = new Lanes(1);
  let done = false;
  lanes
    .run(1, async () => {
      lanes.run(1, async () => {
        done = true;
      });
      throw new Error('told to its caller alone');
    })
    .catch(() => {});
  await lanes.idle();
  assert.ok(done);
});
