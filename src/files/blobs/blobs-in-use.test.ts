import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../base/digest.ts';
import { BlobsInUse } from './blobs-in-use.ts';

const DIGEST = digestOf('a');

test('what somebody uses is not removed before the last is done', async () => {
  const inUse = new BlobsInUse();
  const [first, second] = [await inUse.use(DIGEST), await inUse.use(DIGEST)];
  let removals = 0;
  const remove = (): Promise<boolean> =>
    inUse.unlessUsed(DIGEST, async () => {
      removals++;
      return true;
    });
  assert.equal(await remove(), false);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(await remove(), false);
  assert.equal(await inUse.unlessUsed(digestOf('b'), async () => true), true);
  second[Symbol.dispose]();
  assert.deepEqual([removals, await remove(), removals], [0, true, 1]);
});

test('who comes while it is removed waits until it is', async () => {
  const inUse = new BlobsInUse();
  const gone = Promise.withResolvers<void>();
  const order: string[] = [];
  const removal = inUse.unlessUsed(DIGEST, async () => {
    await gone.promise;
    order.push('removed');
    return true;
  });
  const use = inUse.use(DIGEST).then((used) => {
    order.push('used');
    used[Symbol.dispose]();
  });
  assert.equal(await inUse.unlessUsed(DIGEST, async () => true), false);
  assert.deepEqual(order, []);
  gone.resolve();
  await Promise.all([removal, use]);
  assert.deepEqual(order, ['removed', 'used']);
});
