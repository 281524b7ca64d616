import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { until } from '../../test/rig/until.ts';
import { ownerOf } from '../doors/build-cache/scoped-key.ts';
import { LocalStore } from '../storage/drivers/local/local-store.ts';
import { storageMetrics } from '../storage/metrics.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { PruneLimits } from '../storage/prune.ts';
import { openLogger } from '../telemetry/logger.ts';
import { Housekeeping } from './housekeeping.ts';

class Rig implements AsyncDisposable {
  readonly clock = new ManualClock(Date.now());
  readonly log: Record<string, unknown>[] = [];
  readonly registry = new Registry();
  readonly housekeeping: Housekeeping;
  readonly store: LocalStore;
  readonly #remove: () => Promise<void>;

  private constructor(store: LocalStore, limits: PruneLimits, remove: () => Promise<void>) {
    this.store = store;
    this.#remove = remove;
    const logger = openLogger('debug', { write: (line) => void this.log.push(JSON.parse(line)) });
    const metrics = storageMetrics(this.registry);
    this.housekeeping = new Housekeeping({ store, limits, ownerOf, clock: this.clock, logger, metrics });
  }

  static async open(limits: PruneLimits): Promise<Rig> {
    const folder = await openTempFolder();
    const store = await LocalStore.open({ root: folder.path });
    return new Rig(store, limits, async () => folder[Symbol.asyncDispose]());
  }

  async put(name: string, bytes: number): Promise<void> {
    await this.store.put(parseObjectKey(name), Buffer.alloc(bytes), { ifAbsent: true });
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list({ prefix: '' })) keys.push(key);
    return keys;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.housekeeping.stop();
    await this.#remove();
  }
}

test('the store is pruned a minute after the start, then every hour', async () => {
  await using rig = await Rig.open({ maxEntries: 1 });
  await rig.put('a', 1);
  await rig.put('b', 1);
  rig.housekeeping.start();
  rig.clock.advance(59_999);
  assert.equal((await rig.keys()).length, 2);
  rig.clock.advance(1);
  await until(async () => rig.log.length === 1);
  assert.equal((await rig.keys()).length, 1);
  assert.deepEqual(
    [rig.log[0]?.['removed'], rig.log[0]?.['kept'], rig.log[0]?.['message']],
    [1, 1, 'pruned the storage'],
  );

  await rig.put('c', 1);
  await until(async () => {
    rig.clock.advance(3600_000);
    return rig.log.length === 2;
  });
  assert.equal((await rig.keys()).length, 1);
});

test('what is there and what went is counted', async () => {
  await using rig = await Rig.open({ maxBytes: 10 });
  await rig.put('a', 8);
  await rig.put('b', 8);
  await rig.housekeeping.run();
  const text = await rig.registry.metrics();
  for (const line of [
    'vc_cache_evictions_total{tier="local",reason="bytes"} 1',
    'vc_cache_evicted_bytes_total{tier="local"} 8',
    'vc_cache_entries{tier="local"} 1',
    'vc_cache_size_bytes{tier="local"} 8',
  ])
    assert.ok(text.includes(line), line);
});

test('trouble is logged, and nothing is thrown', async () => {
  await using rig = await Rig.open({ maxEntries: 1 });
  rig.store.list = async function* () {
    yield* [];
    throw new Error('the folder is gone');
  };
  assert.equal(await rig.housekeeping.run(), undefined);
  assert.equal(rig.log[0]?.['reason'], 'the folder is gone');
});

test('after the stop nothing begins', async () => {
  await using rig = await Rig.open({ maxEntries: 0 });
  await rig.put('a', 1);
  rig.housekeeping.start();
  await rig.housekeeping.stop();
  rig.clock.advance(7_200_000);
  assert.deepEqual(await rig.keys(), ['a']);
});

test('a flood of a pull request displaces nothing that main wrote (A2)', async () => {
  await using rig = await Rig.open({ maxEntries: 20 });
  for (let index = 0; index < 10; index++) await rig.put(`objects/main-${index}`, 1);
  for (let index = 0; index < 40; index++) await rig.put(`tenants/default/pr-7/objects/flood-${index}`, 1);
  await rig.housekeeping.run();
  const keys = await rig.keys();
  assert.deepEqual(
    [
      keys.filter((key) => key.startsWith('objects/')).length,
      keys.filter((key) => key.includes('pr-7')).length,
    ],
    [10, 2],
  );
});
