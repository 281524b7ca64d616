import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StubStore } from '../../test/rig/stub-store.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import { type Owner, type Pruned, type PruneLimits, prune } from './prune.ts';
import type { ListedObject } from './store.ts';

const NOW = Date.UTC(2026, 0, 31);
const DAY = 24 * 3600_000;

class ListingStore extends StubStore {
  readonly objects: Map<string, ListedObject>;
  /** Keys whose removal fails. */
  readonly stuck = new Set<string>();

  constructor(objects: readonly ListedObject[]) {
    super();
    this.objects = new Map(objects.map((object) => [object.key, object]));
  }

  override async *list(): AsyncIterable<ListedObject> {
    yield* [...this.objects.values()];
  }

  override async delete(key: ObjectKey): Promise<void> {
    if (this.stuck.has(key)) throw new Error('it is stuck');
    this.objects.delete(key);
  }
}

function object(name: string, days: number, sizeBytes = 10, usedDays?: number): ListedObject {
  const row = { key: parseObjectKey(name), sizeBytes, modifiedAt: NOW - days * DAY };
  return usedDays === undefined ? row : { ...row, usedAt: NOW - usedDays * DAY };
}

async function pruned(store: ListingStore, limits: PruneLimits, dryRun = false): Promise<string[]> {
  const told: Pruned[] = [];
  await prune(store, limits, { now: NOW, dryRun, onPruned: (each) => told.push(each) });
  return told.map(({ key, reason }) => `${key} ${reason}`);
}

describe('prune', () => {
  test('by age removes what was not used for so long, whenever it was stored', async () => {
    const store = new ListingStore([object('a', 40), object('b', 40, 10, 2), object('c', 3)]);
    assert.deepEqual(await pruned(store, { maxAgeMs: 30 * DAY }), ['a age']);
    assert.deepEqual([...store.objects.keys()], ['b', 'c']);
  });

  test('by bytes removes the least recently used until the rest fits', async () => {
    const store = new ListingStore([object('a', 1, 50), object('b', 9, 30), object('c', 5, 30)]);
    assert.deepEqual(await pruned(store, { maxBytes: 60 }), ['b bytes', 'c bytes']);
  });

  test('by entries likewise', async () => {
    const store = new ListingStore([object('a', 1), object('b', 9), object('c', 5)]);
    assert.deepEqual(await pruned(store, { maxEntries: 2 }), ['b entries']);
  });

  test('without limits removes nothing', async () => {
    assert.deepEqual(await pruned(new ListingStore([object('a', 999)]), {}), []);
  });

  test('in a dry run tells the same and removes nothing', async () => {
    const store = new ListingStore([object('a', 40), object('b', 1)]);
    assert.deepEqual(await pruned(store, { maxAgeMs: 30 * DAY }, true), ['a age']);
    assert.equal(store.objects.size, 2);
  });

  test('goes on where an object cannot be removed, and counts it', async () => {
    const store = new ListingStore([object('a', 40, 1), object('b', 41, 2), object('c', 1, 4)]);
    store.stuck.add('a');
    const summary = await prune(store, { maxAgeMs: 30 * DAY }, { now: NOW });
    assert.deepEqual(summary, { removed: 1, removedBytes: 2, failed: 1, kept: 2, keptBytes: 5 });
  });

  describe('of owners who are not trusted (A2)', () => {
    const ownerOf = (key: string): Owner => {
      const [name = ''] = key.split('/');
      return { name, isTrusted: name === 'main' };
    };
    const prunedOf = async (objects: readonly ListedObject[], limits: PruneLimits): Promise<string[]> => {
      const told: string[] = [];
      const store = new ListingStore(objects);
      await prune(store, limits, {
        now: NOW,
        ownerOf,
        onPruned: ({ key, reason }) => told.push(`${key} ${reason}`),
      });
      return told;
    };

    test('one that holds more than its share loses its own, the least recently used first', async () => {
      const objects = [object('main/a', 90, 50), object('pr-1/a', 2, 6), object('pr-1/b', 1, 6)];
      assert.deepEqual(await prunedOf(objects, { maxBytes: 100 }), ['pr-1/a share']);
      const many = Array.from({ length: 4 }, (_, index) => object(`pr-1/${index}`, index, 1));
      assert.deepEqual(await prunedOf(many, { maxEntries: 20 }), ['pr-1/3 share', 'pr-1/2 share']);
    });

    test('however much they write, what is trusted goes last', async () => {
      const flood = Array.from({ length: 50 }, (_, index) => object(`pr-${index}/a`, 0, 8));
      const objects = [object('main/a', 90, 40), object('main/b', 80, 40), ...flood];
      const told = await prunedOf(objects, { maxBytes: 100 });
      assert.equal(told.length, 48);
      assert.ok(told.every((line) => line.startsWith('pr-')));
    });

    test('where nothing else is left, what is trusted goes by use as ever', async () => {
      const objects = [object('main/a', 9, 60), object('main/b', 8, 60), object('pr-1/a', 0, 5)];
      assert.deepEqual(await prunedOf(objects, { maxBytes: 100 }), ['pr-1/a bytes', 'main/a bytes']);
    });
  });

  test('whatever is there, afterwards it fits, and nothing kept was used before what went for its size', async () => {
    const objects = fc
      .array(fc.record({ days: fc.nat(100), sizeBytes: fc.nat(100) }), { maxLength: 40 })
      .map((rows) => rows.map(({ days, sizeBytes }, index) => object(`k${index}`, days, sizeBytes)));
    await fc.assert(
      fc.asyncProperty(objects, fc.nat(1_000), fc.nat(40), async (all, maxBytes, maxEntries) => {
        const store = new ListingStore(all);
        const gone: Pruned[] = [];
        await prune(store, { maxBytes, maxEntries }, { now: NOW, onPruned: (each) => gone.push(each) });
        const kept = [...store.objects.values()];
        assert.ok(kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= maxBytes);
        assert.ok(kept.length <= maxEntries);
        const newestGone = Math.max(...gone.map(({ usedAt }) => usedAt));
        assert.ok(kept.every(({ modifiedAt }) => modifiedAt >= newestGone));
      }),
    );
  });
});
