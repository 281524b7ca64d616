import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { openBucketObjects } from '../../test/rig/bucket-objects.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { RangeStore } from '../../test/rig/range-store.ts';
import { VelocityError } from '../base/errors.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import type { PutOptions, PutOutcome } from '../storage/store.ts';
import { openLogger } from '../telemetry/logger.ts';
import { type BucketObject, bucketObject } from './bucket-object.ts';
import type { BucketObjects } from './bucket-objects.ts';
import type { WriteOptions } from './object-writes.ts';

const PLAIN: WriteOptions = { sizeBytes: undefined, contentType: undefined, fields: {}, ifAbsent: false };

/** Puts that hold back until the test lets them go. */
class HeldStore extends RangeStore {
  held: Promise<void> = Promise.resolve();
  readonly deletes: string[] = [];

  override async put(key: string, body: Readable | Uint8Array, _options: PutOptions): Promise<PutOutcome> {
    const bytes = body instanceof Uint8Array ? body : Buffer.from(await text(body));
    await this.held;
    this.set(key, Buffer.from(bytes));
    return 'stored';
  }

  override async delete(key: never): Promise<void> {
    await super.delete(key);
    this.deletes.push(key);
    this.objects.delete(key);
  }
}

function open(store: RangeStore, immutable = false): { objects: BucketObjects; object: BucketObject } {
  const bucket = { id: 'media', store, immutable };
  const { objects } = openBucketObjects({
    buckets: [bucket],
    ...{ registry: new Registry(), clock: new ManualClock(), logger: openLogger('silent') },
  });
  return { objects, object: bucketObject(bucket, parseObjectKey('a/b.txt')) };
}

async function readText(objects: BucketObjects, object: BucketObject): Promise<string | undefined> {
  const reading = await objects.read(object);
  try {
    return reading && (reading.bytes ? String(reading.bytes) : await text(await reading.open('whole')));
  } finally {
    reading?.close();
  }
}

test('what was deleted is in no tier, whether it was written or read before', async () => {
  const store = new HeldStore();
  const { objects, object } = open(store);
  await objects.write(object, Readable.from(['written']), PLAIN);
  assert.ok(objects.hot(object), 'what is written is kept');
  await objects.delete(object);
  assert.equal(objects.hot(object), undefined);
  assert.equal(await readText(objects, object), undefined);

  store.set('a/b.txt', Buffer.from('by another'));
  assert.equal(await readText(objects, object), 'by another');
  await objects.delete(object);
  assert.equal(await objects.head(object), undefined);
});

test('nothing is kept of a write that an object was deleted beside: nobody knows which came last', async () => {
  const store = new HeldStore();
  const { objects, object } = open(store);
  const gate = Promise.withResolvers<void>();
  store.held = gate.promise;
  const writing = objects.write(object, Readable.from(['mine']), PLAIN);
  await objects.delete(object);
  gate.resolve();
  await writing;
  assert.equal(objects.hot(object), undefined);
});

test('a delete that fails is forgotten all the same: it may have been done', async () => {
  const store = new HeldStore();
  const { objects, object } = open(store);
  await objects.write(object, Readable.from(['x']), PLAIN);
  store.failure = new VelocityError('STORAGE_UNAVAILABLE', 'away');
  await assert.rejects(objects.delete(object), { code: 'STORAGE_UNAVAILABLE' });
  assert.equal(objects.hot(object), undefined);
});

test('nothing is deleted from a store that keeps what it holds', async () => {
  const store = new HeldStore();
  const { objects, object } = open(store, true);
  await assert.rejects(objects.delete(object), { code: 'IMMUTABLE' });
  assert.deepEqual(store.deletes, []);
});

test('of a failover the first store is the one that is deleted from', async () => {
  const [first, failover] = [new HeldStore(), new HeldStore()];
  const { objects } = open(failover);
  const bucket = { id: 'both', store: failover, writesTo: first, immutable: false };
  await objects.delete(bucketObject(bucket, parseObjectKey('a')));
  assert.deepEqual([first.deletes, failover.deletes], [['a'], []]);
});
