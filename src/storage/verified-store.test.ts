import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { StubStore } from '../../test/rig/stub-store.ts';
import { type Digest, digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import type { StoredObject } from './store.ts';
import { VerifiedStore } from './verified-store.ts';

const KEY = parseObjectKey('objects/abc');
const SMALL = randomBytes(10_000);
const LARGE = randomBytes(3 * 1024 * 1024);

class Rig {
  readonly below = new StubStore();
  readonly damaged: ObjectKey[] = [];
  readonly store: VerifiedStore;
  /** Resolves when an object was found damaged and all was done about it. */
  readonly told: Promise<void>;

  constructor(body: Readable, sizeBytes: number, digest: Digest | undefined) {
    const facts = { sizeBytes, digest, contentType: undefined, etag: 'e', modifiedAt: 0, metadata: {} };
    this.below.got = { facts, span: 'whole', body };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.told = promise;
    this.store = new VerifiedStore(this.below, (key) => {
      this.damaged.push(key);
      resolve();
    });
  }

  async open(): Promise<StoredObject> {
    const got = await this.store.get(KEY);
    assert.ok(got !== undefined && got !== 'unsatisfiable');
    return got;
  }

  get isRemoved(): boolean {
    return this.below.deleted.includes(KEY);
  }
}

function holding(bytes: Buffer, digest: Digest | undefined = digestOf(bytes)): Rig {
  return new Rig(Readable.from([bytes.subarray(0, 5000), bytes.subarray(5000)]), bytes.length, digest);
}

/** The bytes with one bit turned. */
function turned(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}

test('what has its digest is handed out whole, small and large', async () => {
  for (const bytes of [Buffer.alloc(0), SMALL, LARGE]) {
    const rig = holding(bytes);
    assert.deepEqual(await buffer((await rig.open()).body), bytes);
    assert.ok(!rig.isRemoved);
  }
});

test('a small object that is damaged is a miss, is removed and told of', async () => {
  const rig = holding(turned(SMALL), digestOf(SMALL));
  assert.equal(await rig.store.get(KEY), undefined);
  assert.deepEqual([rig.below.deleted, rig.damaged], [[KEY], [KEY]]);
});

test('a large object that is damaged breaks off before its end, is removed and told of', async () => {
  const rig = holding(turned(LARGE), digestOf(LARGE));
  const { body } = await rig.open();
  let received = 0;
  body.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  const [error] = await once(body, 'error').catch((thrown: unknown) => [thrown]);
  await rig.told;
  assert.equal((error as VelocityError).code, 'DIGEST_MISMATCH');
  assert.ok(received < LARGE.length);
  assert.deepEqual([rig.below.deleted, rig.damaged], [[KEY], [KEY]]);
});

test('a large object that is shorter than it says is damaged too', async () => {
  const rig = new Rig(Readable.from([LARGE.subarray(1)]), LARGE.length, digestOf(LARGE));
  await assert.rejects(buffer((await rig.open()).body), { code: 'BODY_TRUNCATED' });
  await rig.told;
  assert.ok(rig.isRemoved);
});

test('a backend that breaks off says nothing of the object, which stays', async () => {
  for (const failure of [
    new Error('the connection was lost'),
    new VelocityError('STORAGE_UNAVAILABLE', 'Away.'),
  ]) {
    for (const bytes of [SMALL, LARGE]) {
      const source = new PassThrough({ highWaterMark: LARGE.length });
      const rig = new Rig(source, bytes.length, digestOf(bytes));
      source.write(bytes.subarray(0, 5000));
      source.destroy(failure);
      await assert.rejects(async () => buffer((await rig.open()).body), failure);
      assert.deepEqual([rig.below.deleted, rig.damaged], [[], []]);
    }
  }
});

test('a reader that leaves says nothing of the object, and the backend’s body is let go', async () => {
  const source = Readable.from([LARGE.subarray(0, 2_000_000), LARGE.subarray(2_000_000)]);
  const rig = new Rig(source, LARGE.length, digestOf(LARGE));
  const { body } = await rig.open();
  await once(body, 'readable');
  const closed = once(source, 'close');
  body.destroy();
  await closed;
  assert.deepEqual([rig.below.deleted, rig.damaged], [[], []]);
});

test('a range that covers the whole object is checked as the whole is, and answered as a range', async () => {
  for (const bytes of [SMALL, LARGE]) {
    const span = { first: 0, last: bytes.length - 1 };
    const good = holding(bytes);
    good.below.got = { ...(good.below.got as StoredObject), span };
    const got = await good.open();
    assert.deepEqual(got.span, span);
    assert.deepEqual(await buffer(got.body), bytes);

    const bad = holding(turned(bytes), digestOf(bytes));
    bad.below.got = { ...(bad.below.got as StoredObject), span };
    if (bytes === SMALL) assert.equal(await bad.store.get(KEY), undefined);
    else await assert.rejects(buffer((await bad.open()).body), { code: 'DIGEST_MISMATCH' });
    await bad.told;
    assert.ok(bad.isRemoved);
  }
});

test('what has no digest, is a part, is outside or is not there passes as it is', async () => {
  assert.deepEqual(await buffer((await holding(SMALL, undefined).open()).body), SMALL);

  for (const span of [
    { first: 1, last: SMALL.length - 1 },
    { first: 0, last: SMALL.length - 2 },
  ]) {
    const part = holding(SMALL, digestOf('something else'));
    part.below.got = { ...(part.below.got as StoredObject), span };
    assert.deepEqual(await buffer((await part.open()).body), SMALL);
    assert.ok(!part.isRemoved);
  }

  const rig = holding(SMALL, digestOf('something else'));
  for (const got of ['unsatisfiable', undefined] as const) {
    rig.below.got = got;
    assert.equal(await rig.store.get(KEY), got);
  }
  assert.ok(!rig.isRemoved);
});

test('from the moment it is found damaged an object is not looked up, read or written until it is gone', async () => {
  const rig = holding(turned(LARGE), digestOf(LARGE));
  const removal = rig.below.holdDelete();
  await assert.rejects(buffer((await rig.open()).body), { code: 'DIGEST_MISMATCH' });
  const calls: string[] = [];
  rig.below.during = () => calls.push('called');
  const waiting = [rig.store.head(KEY), rig.store.get(KEY), rig.store.put(KEY, SMALL, { ifAbsent: true })];
  await turnOfLoop();
  assert.deepEqual(calls, []);
  rig.below.got = undefined;
  removal.resolve();
  await Promise.all(waiting);
  assert.equal(calls.length, 3);
});

test('a large damaged object that cannot be removed is still told of', async () => {
  const rig = holding(turned(LARGE), digestOf(LARGE));
  const { body } = await rig.open();
  rig.below.failure = new VelocityError('STORAGE_UNAVAILABLE', 'Away.');
  await assert.rejects(buffer(body), { code: 'DIGEST_MISMATCH' });
  await rig.told;
  assert.deepEqual(rig.damaged, [KEY]);
});
