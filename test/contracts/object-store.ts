/** The text of `ObjectStore` as tests. Every driver and every wrapper runs it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ByteRange } from '../../src/base/byte-range.ts';
import { type Digest, digestOf } from '../../src/base/digest.ts';
import { type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore, PresignedRequest, StoredObject } from '../../src/storage/store.ts';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

export interface SuiteOptions {
  /** Why the suite cannot run here; it is reported as skipped with these words. */
  readonly skip?: string | undefined;
  /** Rounds of the 16-way race; a network store gets fewer. */
  readonly raceRounds: number;
  /** What the store declares as `capabilities.presign`; the suite holds it to either. */
  readonly presigns: boolean;
}

const WRITERS = 16;

export function describeObjectStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  options: SuiteOptions,
): void {
  describe(`ObjectStore: ${name}`, { skip: options.skip ?? false }, () => {
    let opened: StoreUnderTest;
    let store: ObjectStore;
    let count = 0;
    /** A key of its own for each test, so that tests share one store and no object. */
    const freshKey = (label = 'object'): ObjectKey => parseObjectKey(`contract/${label}-${count++}`);
    const readAll = async (key: ObjectKey): Promise<Buffer | undefined> => {
      const got = await store.get(key);
      return got === undefined ? undefined : buffer(asObject(got).body);
    };

    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(() => opened[Symbol.asyncDispose]());

    test('a key that holds nothing is a miss, not an error', async () => {
      const key = freshKey();
      assert.equal(await store.head(key), undefined);
      assert.equal(await store.get(key), undefined);
      await store.delete(key);
    });

    test('what was stored reads back byte for byte, with its facts', async () => {
      const key = freshKey();
      const bytes = randomBytes(100_000);
      const facts = {
        contentType: 'application/zstd',
        metadata: { task: 'web#build', 'duration-ms': '1234' },
      };
      assert.equal(await store.put(key, Readable.from([bytes]), { ifAbsent: true, ...facts }), 'stored');

      const head = await store.head(key);
      assert.equal(head?.sizeBytes, bytes.length);
      assert.equal(head?.digest, digestOf(bytes));
      assert.equal(head?.contentType, 'application/zstd');
      assert.deepEqual(head?.metadata, facts.metadata);
      assert.ok(head.etag.length > 0 && !head.etag.includes('"'));
      assert.ok(Math.abs(Date.now() - head.modifiedAt) < 3_600_000);
      const got = asObject(await store.get(key));
      assert.deepEqual(got.facts, head);
      assert.deepEqual(await buffer(got.body), bytes);
    });

    test('bytes in memory and bytes in a stream are stored alike', async () => {
      const key = freshKey();
      await store.put(key, Buffer.from('in memory'), { ifAbsent: true });
      assert.equal((await readAll(key))?.toString(), 'in memory');
    });

    test('an object of zero bytes is an object', async () => {
      const key = freshKey();
      assert.equal(await store.put(key, Readable.from([]), { ifAbsent: true }), 'stored');
      assert.equal((await store.head(key))?.sizeBytes, 0);
      assert.deepEqual(await readAll(key), Buffer.alloc(0));
      assert.equal(await store.get(key, { from: 0, to: 0 }), 'unsatisfiable');
    });

    test('an object larger than every buffer is streamed through whole', async () => {
      const key = freshKey('large');
      const block = randomBytes(1024 * 1024);
      const blocks = 24;
      const body = Readable.from(
        (function* () {
          for (let i = 0; i < blocks; i++) yield block;
        })(),
      );
      await store.put(key, body, { ifAbsent: true });
      const whole = Buffer.concat(Array.from({ length: blocks }, () => block));
      assert.equal(digestOf((await readAll(key)) ?? Buffer.alloc(0)), digestOf(whole));
      const part = asObject(await store.get(key, { from: 1_048_570, to: 1_048_590 }));
      assert.deepEqual(await buffer(part.body), whole.subarray(1_048_570, 1_048_591));
    });

    test('with ifAbsent the first write wins and the second is told so', async () => {
      const key = freshKey();
      assert.equal(await store.put(key, Buffer.from('first'), { ifAbsent: true }), 'stored');
      assert.equal(await store.put(key, Buffer.from('second'), { ifAbsent: true }), 'exists');
      assert.equal((await readAll(key))?.toString(), 'first');
    });

    test('without ifAbsent the last write replaces the object whole', async () => {
      const key = freshKey();
      await store.put(key, Buffer.from('a longer first version'), { ifAbsent: false });
      await store.put(key, Buffer.from('second'), { ifAbsent: false });
      assert.equal((await readAll(key))?.toString(), 'second');
      assert.equal((await store.head(key))?.digest, digestOf('second'));
    });

    test(`of ${WRITERS} concurrent writers exactly one stores, whole`, { timeout: 120_000 }, async () => {
      for (let round = 0; round < options.raceRounds; round++) {
        const key = freshKey('race');
        const bodies = Array.from({ length: WRITERS }, () => randomBytes(50_000 + round));
        const outcomes = await Promise.all(
          bodies.map((body) => store.put(key, Readable.from(inChunks(body, 7_001)), { ifAbsent: true })),
        );
        assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1, `round ${round}`);
        const winner = bodies[outcomes.indexOf('stored')];
        assert.deepEqual(await readAll(key), winner, `round ${round}`);
      }
    });

    test('a body that breaks off leaves nothing behind', async () => {
      for (const announced of [{}, { sizeBytes: 100_000 }, { sizeBytes: 100_000, digest: digestOf('x') }]) {
        const key = freshKey('broken');
        const body = Readable.from(breakingOff(randomBytes(50_000)));
        await assert.rejects(store.put(key, body, { ifAbsent: true, ...announced }), /broke off/);
        assert.equal(await store.head(key), undefined);
      }
    });

    test('a body that is shorter or longer than announced is not stored', async () => {
      for (const sizeBytes of [9, 11]) {
        const key = freshKey();
        const put = store.put(key, Readable.from([Buffer.alloc(10)]), { ifAbsent: true, sizeBytes });
        await assert.rejects(put, { code: 'BODY_TRUNCATED' });
        assert.equal(await store.head(key), undefined);
      }
    });

    test('a body that is not the one its digest announced is not stored', async () => {
      const bytes = randomBytes(300_000);
      const digest: Digest = digestOf('something else');
      for (const known of [{ digest }, { digest, sizeBytes: bytes.length }]) {
        const key = freshKey();
        const put = store.put(key, Readable.from(inChunks(bytes, 10_000)), { ifAbsent: true, ...known });
        await assert.rejects(put, { code: 'DIGEST_MISMATCH' });
        assert.equal(await store.head(key), undefined);
      }
      const key = freshKey();
      const right = { digest: digestOf(bytes), sizeBytes: bytes.length };
      assert.equal(
        await store.put(key, Readable.from(inChunks(bytes, 10_000)), { ifAbsent: true, ...right }),
        'stored',
      );
      assert.deepEqual(await readAll(key), bytes);
    });

    test('an aborted write leaves nothing behind', async () => {
      const key = freshKey();
      const abort = new AbortController();
      const body = Readable.from(
        (async function* () {
          yield Buffer.alloc(1000);
          abort.abort(new Error('the writer changed its mind'));
          yield Buffer.alloc(1000);
        })(),
      );
      await assert.rejects(store.put(key, body, { ifAbsent: true, signal: abort.signal }));
      assert.equal(await store.head(key), undefined);
    });

    test('a range gives exactly its bytes, clipped to the object', async () => {
      const key = freshKey();
      const bytes = randomBytes(1000);
      await store.put(key, bytes, { ifAbsent: true });
      const cases: [ByteRange, number, number][] = [
        [{ from: 0, to: 0 }, 0, 0],
        [{ from: 0, to: undefined }, 0, 999],
        [{ from: 10, to: 19 }, 10, 19],
        [{ from: 999, to: 999 }, 999, 999],
        [{ from: 990, to: 5000 }, 990, 999],
        [{ lastBytes: 1 }, 999, 999],
        [{ lastBytes: 5000 }, 0, 999],
      ];
      for (const [range, first, last] of cases) {
        const got = asObject(await store.get(key, range));
        assert.deepEqual(await buffer(got.body), bytes.subarray(first, last + 1), JSON.stringify(range));
        assert.deepEqual(got.span, { first, last });
        assert.equal(got.facts.sizeBytes, 1000, 'the size of the whole, not of the part');
      }
    });

    test('a range outside the object is unsatisfiable, and a miss for a key that holds nothing', async () => {
      const key = freshKey();
      await store.put(key, Buffer.alloc(10), { ifAbsent: true });
      assert.equal(await store.get(key, { from: 10, to: undefined }), 'unsatisfiable');
      assert.equal(await store.get(freshKey(), { from: 0, to: 1 }), undefined);
    });

    test('keys that differ in any byte are different objects', async () => {
      const names = [
        'case',
        'Case',
        'CASE',
        'dot.',
        'dot',
        '.hidden',
        '..hidden',
        'con',
        'nul.txt',
        'space here',
        'trailing ',
        'percent%41',
        'percentA',
        'a',
        'a/b',
        'a.blob',
        'a.more/b',
        'a+b',
        'a b',
        'ünïcödé',
        'u\u0308',
        '\u00fc',
        '日本語/キー',
        '🚀',
        'quote\'"',
        'semi;colon',
        'hash#',
        'question?',
        'star*',
        `long-${'x'.repeat(400)}`,
        `long-${'x'.repeat(400)}y`,
        `long-${'x'.repeat(400)}/z`,
      ];
      const keys = names.map((name) => parseObjectKey(`contract/names/${name}`));
      for (const key of keys)
        assert.equal(await store.put(key, Buffer.from(key), { ifAbsent: true }), 'stored', key);
      for (const key of keys) assert.equal((await readAll(key))?.toString(), key);
    });

    test('a key of 1,024 bytes is stored, in one segment, in many and in letters of several bytes', async () => {
      const prefix = 'contract/max/';
      const keys = [
        prefix + 'k'.repeat(1024 - prefix.length),
        `${prefix}${'ab/'.repeat(337)}`.slice(0, 1024).replace(/\/$/, 'c'),
        `${prefix + 'é'.repeat((1024 - prefix.length - 1) / 2)}k`,
      ].map(parseObjectKey);
      for (const key of keys) {
        await store.put(key, Buffer.from(digestOf(key)), { ifAbsent: true });
        assert.equal((await readAll(key))?.toString(), digestOf(key));
      }
    });

    test('a deleted object is a miss, and its key can be written again', async () => {
      const key = freshKey();
      await store.put(key, Buffer.from('old'), { ifAbsent: true });
      await store.delete(key);
      assert.equal(await store.get(key), undefined);
      assert.equal(await store.put(key, Buffer.from('new'), { ifAbsent: true }), 'stored');
    });

    test('a listing gives every key under its prefix in byte order, across pages', {
      timeout: 120_000,
    }, async () => {
      const keys = Array.from({ length: 1_050 }, (_, index) => parseObjectKey(`listing/many/${index}`));
      const odd = ['listing/many-', 'listing/many.', 'listing/many0', 'listing/Many/1', 'listing/é/1'].map(
        parseObjectKey,
      );
      await inParallel([...keys, ...odd], 32, (key) => store.put(key, Buffer.from(key), { ifAbsent: true }));

      const listed = await toArray(store.list({ prefix: 'listing/' }));
      const expected = [...keys, ...odd]
        .map(String)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(
        listed.map(({ key }) => String(key)),
        expected,
      );
      assert.ok(listed.every(({ key, sizeBytes }) => sizeBytes === Buffer.byteLength(key)));

      const exact = await toArray(store.list({ prefix: 'listing/many/' }));
      assert.equal(exact.length, keys.length);
      const rest = await toArray(store.list({ prefix: 'listing/', after: 'listing/many/998' }));
      assert.deepEqual(
        rest.map(({ key }) => String(key)),
        expected.slice(expected.indexOf('listing/many/998') + 1),
      );
      assert.deepEqual(await toArray(store.list({ prefix: 'listing/nothing' })), []);
    });

    test('a probe of a store that is well resolves', () => store.probe());

    describe('presigned requests', () => {
      const presign = async (
        key: ObjectKey,
        request: Parameters<ObjectStore['presign']>[1],
      ): Promise<PresignedRequest> => {
        const signed = await store.presign(key, request);
        assert.ok(signed, 'a store with the capability presigns');
        return signed;
      };
      const send = (
        signed: PresignedRequest,
        changes: RequestInit = {},
        url = signed.url,
      ): Promise<Response> => fetch(url, { method: signed.method, headers: signed.headers, ...changes });

      test('a store presigns exactly where it declares so', async () => {
        assert.equal(store.capabilities.presign, options.presigns);
        const signed = await store.presign(freshKey(), { method: 'GET', ttlSeconds: 60 });
        assert.equal(signed !== undefined, options.presigns);
      });
      if (!options.presigns) return;

      test('a signed PUT stores, and the first write wins over it', async () => {
        const key = freshKey('signed');
        const body = Buffer.from('through the URL');
        const request = {
          method: 'PUT',
          ttlSeconds: 60,
          ifAbsent: true,
          sizeBytes: body.length,
          digest: digestOf(body),
        } as const;
        const signed = await presign(key, request);
        assert.equal((await send(signed, { body })).status, 200);
        assert.equal((await store.head(key))?.digest, digestOf(body));

        const replayed = await send(signed, { body });
        assert.equal(replayed.status, 412);
        const fetched = await send(await presign(key, { method: 'GET', ttlSeconds: 60 }));
        assert.equal(await fetched.text(), 'through the URL');
      });

      test('a URL that was altered, dropped a header or is for something else is refused', async () => {
        const key = freshKey('altered');
        const other = freshKey('altered');
        const body = Buffer.from('0123456789');
        const signed = await presign(key, {
          method: 'PUT',
          ttlSeconds: 60,
          ifAbsent: true,
          sizeBytes: 10,
          digest: digestOf(body),
        });
        const { 'if-none-match': _, ...withoutCondition } = signed.headers;
        const attempts: [string, Promise<Response>][] = [
          ['the condition dropped', send(signed, { body, headers: withoutCondition })],
          [
            'another digest',
            send(signed, { body, headers: { ...signed.headers, 'x-amz-meta-sha256': digestOf('other') } }),
          ],
          [
            'a longer body',
            send(signed, { body: Buffer.alloc(11), headers: { ...signed.headers, 'content-length': '11' } }),
          ],
          ['another key', send(signed, { body }, signed.url.replace(encodeURI(key), encodeURI(other)))],
          ['another method', send(signed, { method: 'DELETE' })],
          [
            'a GET URL used to write',
            send(await presign(key, { method: 'GET', ttlSeconds: 60 }), { method: 'PUT', body }),
          ],
          ['another query', send(signed, { body }, `${signed.url}&versionId=1`)],
        ];
        for (const [what, reply] of attempts) assert.equal((await reply).status, 403, what);
        assert.equal(await store.head(key), undefined);
        assert.equal(await store.head(other), undefined);
      });
    });
  });
}

function asObject(got: StoredObject | 'unsatisfiable' | undefined): StoredObject {
  assert.ok(got !== undefined && got !== 'unsatisfiable', 'the object is there');
  return got;
}

function* inChunks(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function* breakingOff(bytes: Buffer): AsyncIterable<Buffer> {
  yield* inChunks(bytes, 1000);
  throw new Error('the upload broke off');
}

async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
