import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { StubStore } from '../../test/rig/stub-store.ts';
import { VelocityError } from '../base/errors.ts';
import { tryFirstWrites, withFirstWrites } from './first-writes.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import type { Got, ObjectFacts, PresignedRequest, PresignRequest, PutOptions, PutOutcome } from './store.ts';

/** A backend in memory that takes the condition as it is told to. */
class MemoryStore extends StubStore {
  readonly objects = new Map<string, Buffer>();
  readonly asked: boolean[] = [];
  readonly takes: 'kept' | 'ignored' | 'refused' | 'nothing';
  presigned: PresignRequest | undefined;

  constructor(takes: MemoryStore['takes']) {
    super();
    this.takes = takes;
  }

  override async head(key?: ObjectKey): Promise<ObjectFacts | undefined> {
    const bytes = this.objects.get(String(key));
    return (
      bytes && {
        sizeBytes: bytes.length,
        digest: undefined,
        contentType: undefined,
        etag: 'e',
        modifiedAt: 0,
        metadata: {},
      }
    );
  }

  override async get(key?: ObjectKey): Promise<Got> {
    const facts = await this.head(key);
    return facts && { facts, span: 'whole', body: Readable.from([this.objects.get(String(key))]) };
  }

  override async put(
    key: ObjectKey,
    body: Readable | Uint8Array,
    { ifAbsent }: PutOptions,
  ): Promise<PutOutcome> {
    this.asked.push(ifAbsent);
    if (this.takes === 'nothing') throw new VelocityError('STORAGE_FAILED', 'S3 answered 403 AccessDenied.');
    if (ifAbsent && this.takes === 'refused')
      throw new VelocityError('STORAGE_UNAVAILABLE', 'S3 answered 501 NotImplemented.');
    if (ifAbsent && this.takes === 'kept' && this.objects.has(key)) return 'exists';
    assert.ok(!(body instanceof Readable));
    this.objects.set(key, Buffer.from(body));
    return 'stored';
  }

  override async delete(key: ObjectKey): Promise<void> {
    this.objects.delete(key);
  }

  override async presign(_key?: ObjectKey, request?: PresignRequest): Promise<PresignedRequest | undefined> {
    this.presigned = request;
    return undefined;
  }
}

const quiet = { allowRace: false, warn: () => {} };

describe('tryFirstWrites', () => {
  for (const takes of ['kept', 'ignored', 'refused'] as const)
    test(`finds first writes ${takes}, and leaves nothing behind`, async () => {
      const store = new MemoryStore(takes);
      assert.equal(await tryFirstWrites(store), takes);
      assert.equal(store.objects.size, 0);
    });
});

describe('withFirstWrites', () => {
  test('a backend that keeps them is used as it is', async () => {
    const store = new MemoryStore('kept');
    assert.equal(await withFirstWrites(store, quiet), store);
  });

  for (const [takes, words] of [
    ['ignored', /overwrites an object although only a first write was asked for/],
    ['refused', /refuses writes that are to be the first/],
  ] as const)
    test(`a backend on which they are ${takes} is not used, and the message says what may be done`, async () => {
      const refusal = withFirstWrites(new MemoryStore(takes), quiet);
      await assert.rejects(refusal, { code: 'DRIVER_UNAVAILABLE', message: words });
      await assert.rejects(refusal, /VC_ALLOW_OVERWRITE_RACE=true/);
    });

  test('a backend that cannot be written is told from one that refuses the condition', async () => {
    await assert.rejects(withFirstWrites(new MemoryStore('nothing'), quiet), {
      code: 'STORAGE_FAILED',
      message: /cannot be written: .*403/,
    });
  });

  test('where the risk is accepted writes look first, ask for no condition, and that is said', async () => {
    for (const takes of ['ignored', 'refused'] as const) {
      const below = new MemoryStore(takes);
      const said: string[] = [];
      const store = await withFirstWrites(below, { allowRace: true, warn: (message) => said.push(message) });
      assert.equal(store.capabilities.conditionalPut, false);
      assert.match(said.join(), /of two uploads at once the later one may win/);
      below.asked.length = 0;
      const key = parseObjectKey('objects/a');
      assert.equal(await store.put(key, Buffer.from('1'), { ifAbsent: true }), 'stored');
      assert.equal(await store.put(key, Buffer.from('2'), { ifAbsent: true }), 'exists');
      assert.deepEqual(below.asked, [false]);
      await store.presign(key, { method: 'PUT', ttlSeconds: 1, ifAbsent: true });
      assert.equal(below.presigned?.ifAbsent, false);
    }
  });
});
