import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import { parseObjectKey } from './object-key.ts';
import { RetryingStore } from './retrying-store.ts';
import type { ObjectFacts, PutOptions, PutOutcome } from './store.ts';

const KEY = parseObjectKey('objects/abc');
const BODY = Buffer.from('the body');
const UNWELL = new VelocityError('STORAGE_UNAVAILABLE', 'unwell');

function factsOf(bytes: Buffer): ObjectFacts {
  return {
    sizeBytes: bytes.length,
    digest: digestOf(bytes),
    contentType: undefined,
    etag: 'e',
    modifiedAt: 0,
    metadata: {},
  };
}

/** A backend that fails as often as it is told to; a write may be done all the same. */
class FlakyStore extends StubStore {
  failures = 0;
  storesThoughItFails = false;
  stored: Buffer | undefined;
  readonly calls: string[] = [];

  override async head(): Promise<ObjectFacts | undefined> {
    this.#call('head');
    return this.stored && factsOf(this.stored);
  }

  override async put(
    _key: unknown,
    body: Readable | Uint8Array,
    { ifAbsent }: PutOptions,
  ): Promise<PutOutcome> {
    const bytes = body instanceof Readable ? await buffer(body) : Buffer.from(body);
    const exists = ifAbsent && this.stored !== undefined;
    if (!exists && (this.failures === 0 || this.storesThoughItFails)) this.stored = bytes;
    this.#call('put');
    return exists ? 'exists' : 'stored';
  }

  override async delete(): Promise<void> {
    this.#call('delete');
  }

  #call(name: string): void {
    this.calls.push(name);
    if (this.failures === 0) return;
    this.failures--;
    throw UNWELL;
  }
}

class Rig {
  readonly below = new FlakyStore();
  readonly clock = new ManualClock();
  /** Pauses that were made, in milliseconds. */
  readonly pauses: number[] = [];
  readonly retried: string[] = [];
  readonly store: RetryingStore;

  constructor(failures: number) {
    this.below.failures = failures;
    const { clock, pauses } = this;
    this.store = new RetryingStore(this.below, {
      attempts: 3,
      pauseMs: 200,
      deadlineMs: 15_000,
      random: () => 0.5,
      onRetry: (operation) => this.retried.push(operation),
      clock: {
        now: () => clock.now(),
        elapsed: () => clock.elapsed(),
        after(ms, callback) {
          pauses.push(ms);
          clock.advance(ms);
          queueMicrotask(callback);
          return () => {};
        },
      },
    });
  }
}

describe('a call that an unwell backend did not answer', () => {
  test('is made again, after pauses that double', async () => {
    const rig = new Rig(2);
    assert.equal(await rig.store.head(KEY), undefined);
    assert.deepEqual(rig.below.calls, ['head', 'head', 'head']);
    assert.deepEqual(rig.pauses, [100, 200]);
    assert.deepEqual(rig.retried, ['head', 'head']);
  });

  test('is given up after the last try, with the backend’s own words', async () => {
    const rig = new Rig(3);
    await assert.rejects(rig.store.head(KEY), UNWELL);
    assert.equal(rig.below.calls.length, 3);
  });

  test('is not made again once it has taken too long', async () => {
    const rig = new Rig(3);
    rig.below.during = () => {};
    const slow = rig.below.head.bind(rig.below);
    rig.below.head = async () => {
      rig.clock.advance(15_000);
      return slow();
    };
    await assert.rejects(rig.store.head(KEY), UNWELL);
    assert.equal(rig.below.calls.length, 1);
  });

  test('is not made again for a caller that has gone', async () => {
    const rig = new Rig(3);
    await assert.rejects(rig.store.head(KEY, AbortSignal.abort()), UNWELL);
    assert.equal(rig.below.calls.length, 1);
  });

  test('a refusal is no reason to ask again', async () => {
    const rig = new Rig(0);
    rig.below.head = async () => {
      rig.below.calls.push('head');
      throw new VelocityError('STORAGE_FAILED', 'forbidden');
    };
    await assert.rejects(rig.store.head(KEY), { code: 'STORAGE_FAILED' });
    assert.equal(rig.below.calls.length, 1);
  });
});

describe('a first write', () => {
  for (const [what, body] of [
    ['in memory', () => BODY],
    ['in a stream', () => Readable.from([BODY], { objectMode: false })],
  ] as const)
    test(`is made again, its body ${what}`, async () => {
      const rig = new Rig(2);
      assert.equal(await rig.store.put(KEY, body(), { ifAbsent: true }), 'stored');
      assert.deepEqual(rig.below.stored, BODY);
    });

  test('whose reply was lost is ours, not somebody else’s', async () => {
    const rig = new Rig(1);
    rig.below.storesThoughItFails = true;
    assert.equal(await rig.store.put(KEY, BODY, { ifAbsent: true }), 'stored');
    assert.deepEqual(rig.below.calls, ['put', 'put', 'head']);
  });

  test('that lost to another one after a failure is told so', async () => {
    const rig = new Rig(1);
    const put = rig.store.put(KEY, BODY, { ifAbsent: true });
    rig.below.stored = Buffer.from('another');
    assert.equal(await put, 'exists');
  });

  test('that finds its key taken at once asks nothing more', async () => {
    const rig = new Rig(0);
    rig.below.stored = BODY;
    assert.equal(await rig.store.put(KEY, BODY, { ifAbsent: true }), 'exists');
    assert.deepEqual(rig.below.calls, ['put']);
  });

  test('that goes straight through is tried once, and what is there tells how it ended', async () => {
    const announced = { ifAbsent: true, sizeBytes: BODY.length, digest: digestOf(BODY) };
    const stream = (): Readable => Readable.from([BODY], { objectMode: false });
    const lost = new Rig(1);
    lost.below.storesThoughItFails = true;
    assert.equal(await lost.store.put(KEY, stream(), announced), 'stored');
    const failed = new Rig(1);
    await assert.rejects(failed.store.put(KEY, stream(), announced), UNWELL);
    assert.deepEqual(failed.below.calls, ['put', 'head']);
  });
});

test('a write that may replace is never made again', async () => {
  const rig = new Rig(1);
  await assert.rejects(rig.store.put(KEY, BODY, { ifAbsent: false }), UNWELL);
  assert.deepEqual(rig.below.calls, ['put']);
});
