import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { VelocityError } from '../base/errors.ts';
import { FailoverStore } from './failover-store.ts';
import { parseObjectKey } from './object-key.ts';
import type { Got, ListedObject, ObjectFacts } from './store.ts';

const KEY = parseObjectKey('objects/abc');
const UNWELL = new VelocityError('STORAGE_UNAVAILABLE', 'unwell');
const FORBIDDEN = new VelocityError('STORAGE_FAILED', 'forbidden');

/** A bucket with one object or none. */
class Replica extends StubStore {
  readonly name: string;
  isEmpty = false;
  isClosed = false;

  constructor(name: string, asked: string[]) {
    super();
    this.name = name;
    this.during = () => void asked.push(name);
  }

  override async head(): Promise<ObjectFacts | undefined> {
    await super.head();
    if (this.isEmpty) return undefined;
    const { length } = this.name;
    return {
      ...{ sizeBytes: length, digest: undefined, contentType: undefined, etag: this.name },
      ...{ modifiedAt: 0, metadata: {} },
    };
  }

  override async get(): Promise<Got> {
    const facts = await this.head();
    return facts && { facts, span: 'whole', body: Readable.from([Buffer.from(this.name)]) };
  }

  override list(): AsyncIterable<ListedObject> {
    this.during();
    return super.list();
  }

  override async close(): Promise<void> {
    this.isClosed = true;
  }
}

class Rig {
  /** Names of the stores that were asked, since it was last looked at. */
  readonly #asked: string[] = [];
  readonly eu = new Replica('eu', this.#asked);
  readonly us = new Replica('us', this.#asked);
  readonly ap = new Replica('ap', this.#asked);
  readonly clock = new ManualClock();
  failovers = 0;
  readonly store = new FailoverStore(this.eu, [this.us, this.ap], {
    clock: this.clock,
    onFailover: () => this.failovers++,
  });

  asked(): string[] {
    return this.#asked.splice(0);
  }

  /** Where the object is read from; that facts and bytes are of one store goes without saying. */
  async read(): Promise<string | undefined> {
    const got = await this.store.get(KEY);
    if (got === undefined || got === 'unsatisfiable') return got;
    assert.equal(got.facts.etag, await text(got.body));
    return got.facts.etag;
  }
}

test('the preferred store is read, and no other is asked', async () => {
  const rig = new Rig();
  assert.equal(await rig.read(), 'eu');
  assert.equal((await rig.store.head(KEY))?.etag, 'eu');
  assert.deepEqual(rig.asked(), ['eu', 'eu']);
});

test('what a store does not have is read from the next one that does', async () => {
  const rig = new Rig();
  rig.eu.isEmpty = true;
  assert.equal(await rig.read(), 'us');
  rig.us.isEmpty = true;
  assert.equal(await rig.read(), 'ap');
  assert.equal((await rig.store.head(KEY))?.etag, 'ap');
  assert.deepEqual(rig.asked(), ['eu', 'us', 'eu', 'us', 'ap', 'eu', 'us', 'ap']);
});

test('a range outside of the object is an answer', async () => {
  const rig = new Rig();
  rig.eu.get = async () => 'unsatisfiable';
  assert.equal(await rig.read(), 'unsatisfiable');
  assert.deepEqual(rig.asked(), []);
});

describe('a store that fails', () => {
  for (const failure of [UNWELL, FORBIDDEN])
    test(`with ${failure.code} leaves the read to the next one, and is asked last for a while`, async () => {
      const rig = new Rig();
      rig.eu.failure = failure;
      assert.equal(await rig.read(), 'us');
      assert.deepEqual(rig.asked(), ['eu', 'us']);
      rig.clock.advance(9_999);
      assert.equal(await rig.read(), 'us');
      assert.deepEqual(rig.asked(), ['us']);
      rig.us.isEmpty = true;
      rig.ap.isEmpty = true;
      await assert.rejects(rig.read(), failure);
      assert.deepEqual(rig.asked(), ['us', 'ap', 'eu']);
    });

  test('is tried by one read after a while, and by none beside it', async () => {
    const rig = new Rig();
    rig.eu.failure = UNWELL;
    await rig.read();
    rig.clock.advance(10_000);
    rig.asked();
    await Promise.all([rig.read(), rig.read(), rig.read()]);
    assert.deepEqual(rig.asked().sort(), ['eu', 'us', 'us', 'us']);
    rig.clock.advance(9_999);
    await rig.read();
    assert.deepEqual(rig.asked(), ['us']);
  });

  test('is preferred again as soon as it answers, with a miss too', async () => {
    const rig = new Rig();
    rig.eu.failure = UNWELL;
    await rig.read();
    rig.eu.failure = undefined;
    rig.eu.isEmpty = true;
    rig.clock.advance(10_000);
    assert.equal(await rig.read(), 'us');
    rig.eu.isEmpty = false;
    assert.equal(await rig.read(), 'eu');
  });

  test('keeps its place among others that fail', async () => {
    const rig = new Rig();
    rig.us.failure = UNWELL;
    rig.eu.failure = UNWELL;
    assert.equal(await rig.read(), 'ap');
    rig.ap.isEmpty = true;
    rig.asked();
    await assert.rejects(rig.read(), UNWELL);
    assert.deepEqual(rig.asked(), ['ap', 'eu', 'us']);
  });
});

describe('a failover', () => {
  test('is counted with each answer of a later store, whether the first one has nothing, fails or is not asked', async () => {
    const rig = new Rig();
    rig.eu.isEmpty = true;
    assert.equal(await rig.read(), 'us');
    await rig.store.head(KEY);
    assert.equal(rig.failovers, 2);
    rig.eu.failure = UNWELL;
    await rig.read();
    rig.asked();
    await rig.read();
    assert.deepEqual([rig.asked(), rig.failovers], [['us'], 4]);
    rig.us.isEmpty = true;
    rig.us.get = async () => 'unsatisfiable';
    assert.equal(await rig.read(), 'unsatisfiable');
    assert.equal(rig.failovers, 5, 'a range outside of the object is an answer too');
  });

  test('is none where the first store answers, asked last though it be, or no store has the object', async () => {
    const rig = new Rig();
    await rig.read();
    rig.eu.failure = UNWELL;
    for (const store of [rig.us, rig.ap]) store.isEmpty = true;
    await assert.rejects(rig.read(), UNWELL);
    rig.eu.failure = undefined;
    rig.asked();
    assert.equal(await rig.read(), 'eu');
    assert.deepEqual(rig.asked(), ['us', 'ap', 'eu']);
    rig.eu.isEmpty = true;
    assert.equal(await rig.read(), undefined);
    assert.equal(rig.failovers, 0);
  });
});

describe('a miss', () => {
  test('is one where every store said so', async () => {
    const rig = new Rig();
    for (const store of [rig.eu, rig.us, rig.ap]) store.isEmpty = true;
    assert.equal(await rig.read(), undefined);
    assert.equal(await rig.store.head(KEY), undefined);
  });

  for (const away of ['eu', 'us', 'ap'] as const)
    test(`is not claimed while ${away} fails, which may have it`, async () => {
      const rig = new Rig();
      for (const store of [rig.eu, rig.us, rig.ap]) store.isEmpty = true;
      rig[away].failure = UNWELL;
      await assert.rejects(rig.read(), UNWELL);
      await assert.rejects(rig.store.head(KEY), UNWELL, 'also where it is asked last');
    });
});

test('where all fail, the failure is that of the store that was asked first', async () => {
  const rig = new Rig();
  rig.eu.failure = FORBIDDEN;
  rig.us.failure = UNWELL;
  rig.ap.failure = UNWELL;
  await assert.rejects(rig.read(), FORBIDDEN);
});

test('a bug is no failure of a store: it is thrown, and no other is asked', async () => {
  const rig = new Rig();
  rig.eu.failure = new TypeError('a bug');
  await assert.rejects(rig.read(), TypeError);
  assert.deepEqual(rig.asked(), ['eu']);
});

test('a caller that does not wait any more is not held against the store', async () => {
  const rig = new Rig();
  const caller = new AbortController();
  rig.eu.failure = UNWELL;
  rig.eu.during = () => caller.abort();
  await assert.rejects(rig.store.get(KEY, undefined, caller.signal), UNWELL);
  assert.deepEqual(rig.asked(), []);
  rig.eu.failure = undefined;
  assert.equal(await rig.read(), 'eu');
});

test('writes, deletes, listings and URLs are the first store’s alone, also while it fails', async () => {
  const rig = new Rig();
  const { store } = rig;
  const write = (): Promise<unknown> => store.put(KEY, Buffer.from('x'), { ifAbsent: false });
  await write();
  await store.delete(KEY);
  await store.presign(KEY, { method: 'GET', ttlSeconds: 60 });
  for await (const _ of store.list({ prefix: '' })) assert.fail('it is empty');
  assert.deepEqual(rig.asked(), ['eu', 'eu', 'eu', 'eu']);
  rig.eu.failure = UNWELL;
  await rig.read();
  rig.asked();
  await assert.rejects(write(), UNWELL);
  assert.deepEqual(rig.asked(), ['eu']);
});

test('a probe is good where one store is well, else it fails as the first', async () => {
  const rig = new Rig();
  rig.eu.failure = FORBIDDEN;
  rig.us.failure = UNWELL;
  await rig.store.probe();
  rig.ap.failure = UNWELL;
  await assert.rejects(rig.store.probe(), FORBIDDEN);
});

test('the stores are others’ to close', async () => {
  const rig = new Rig();
  await rig.store.close();
  assert.deepEqual([rig.eu.isClosed, rig.us.isClosed, rig.ap.isClosed], [false, false, false]);
});
