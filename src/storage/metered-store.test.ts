import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { VelocityError } from '../base/errors.ts';
import { MeteredStore } from './metered-store.ts';
import { storageMetrics } from './metrics.ts';
import { parseObjectKey } from './object-key.ts';

const KEY = parseObjectKey('objects/abc');
const FACTS = {
  sizeBytes: 0,
  digest: undefined,
  contentType: undefined,
  etag: 'e',
  modifiedAt: 0,
  metadata: {},
};

class Rig {
  readonly below = new StubStore();
  readonly clock = new ManualClock();
  readonly metrics = storageMetrics(new Registry());
  readonly store = new MeteredStore(this.below, this.metrics, this.clock);

  /** `operation outcome` of each call so far, with how often. */
  async counted(): Promise<Record<string, number>> {
    const { values } = await this.metrics.operations.get();
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  }
}

test('reads count as hits and misses', async () => {
  const rig = new Rig();
  await rig.store.head(KEY);
  await rig.store.get(KEY);
  rig.below.facts = FACTS;
  rig.below.got = { facts: FACTS, span: 'whole', body: Readable.from([]) };
  await rig.store.head(KEY);
  await rig.store.get(KEY);
  rig.below.got = 'unsatisfiable';
  await rig.store.get(KEY, { from: 10, to: undefined });
  assert.deepEqual(await rig.counted(), {
    'stub head miss': 1,
    'stub get miss': 1,
    'stub head hit': 1,
    'stub get hit': 2,
  });
});

test('writes count by their outcome', async () => {
  const rig = new Rig();
  await rig.store.put(KEY, Buffer.alloc(0), { ifAbsent: true });
  rig.below.outcome = 'exists';
  await rig.store.put(KEY, Buffer.alloc(0), { ifAbsent: true });
  assert.deepEqual(await rig.counted(), { 'stub put stored': 1, 'stub put exists': 1 });
});

test('what has no outcome counts as done', async () => {
  const rig = new Rig();
  await rig.store.delete(KEY);
  await rig.store.probe();
  await rig.store.presign(KEY, { method: 'GET', ttlSeconds: 1 });
  assert.deepEqual(await rig.counted(), {
    'stub delete done': 1,
    'stub probe done': 1,
    'stub presign done': 1,
  });
});

test('a call that fails counts as an error, and its failure passes untouched', async () => {
  const rig = new Rig();
  const failure = new VelocityError('STORAGE_UNAVAILABLE', 'Away.');
  rig.below.failure = failure;
  await assert.rejects(rig.store.head(KEY), failure);
  await assert.rejects(rig.store.put(KEY, Buffer.alloc(0), { ifAbsent: true }), failure);
  assert.deepEqual(await rig.counted(), { 'stub head error': 1, 'stub put error': 1 });
});

test('a call is timed from its beginning to its answer, failed or not', async () => {
  const rig = new Rig();
  rig.below.during = () => rig.clock.advance(250);
  await rig.store.head(KEY);
  rig.below.failure = new Error('broken');
  await assert.rejects(rig.store.head(KEY));
  const { values } = await rig.metrics.durations.get();
  const sum = values.find(({ metricName }) => metricName?.endsWith('_sum'));
  assert.deepEqual([sum?.labels, sum?.value], [{ driver: 'stub', operation: 'head' }, 0.5]);
});

test('the metered store is the driver below it to those who ask', () => {
  const rig = new Rig();
  assert.deepEqual([rig.store.driver, rig.store.capabilities], [rig.below.driver, rig.below.capabilities]);
});
