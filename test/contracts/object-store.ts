/** The text of `ObjectStore` as tests. Every driver and every wrapper runs it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ByteRange } from '../../src/base/byte-range.ts';
import { type Digest, digestOf } from '../../src/base/digest.ts';
import { type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';
import type {
  ObjectStore,
  PresignedRequest,
  StoreCapabilities,
  StoredObject,
} from '../../src/storage/store.ts';
import type { ManualClock } from '../rig/manual-clock.ts';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
  /** The store's clock, which presigned URLs count from; where it presigns. */
  readonly clock?: ManualClock;
  /** Stores an empty object of any name past the store, as other programs do; where the backend lets them. */
  readonly putForeign?: (name: string) => Promise<unknown>;
}

export interface SuiteOptions {
  /** Why the suite cannot run here; it is reported as skipped with these words. */
  readonly skip?: string | undefined;
  /** Rounds of the 16-way race; a network store gets fewer. */
  readonly raceRounds: number;
  /** What the store declares as `capabilities.presign`; the suite holds it to that. */
  readonly presign: StoreCapabilities['presign'];
  /** Keys in one folder of a listing; more than a page of it by default, fewer where each write takes long. */
  readonly listedKeys?: number;
  /** What it keeps of an object: else also digest, type, fields and metadata. */
  readonly keeps?: 'bytes';
  /** The backend has files and folders: no name is both, and a segment has 255 bytes at most. */
  readonly isFileSystem?: true;
}

const WRITERS = 16;

export function describeObjectStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  options: SuiteOptions,
): void {
  describe(`ObjectStore: ${name}`, { skip: options.skip ?? false }, () => {
    const keepsFacts = options.keeps !== 'bytes';
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
      assert.ok(head);
      assert.equal(head.sizeBytes, bytes.length);
      assert.equal(head.digest, keepsFacts ? digestOf(bytes) : undefined);
      if (keepsFacts) assert.equal(head.contentType, 'application/zstd');
      assert.deepEqual(head.metadata, keepsFacts ? facts.metadata : {});
      assert.ok(head.etag.length > 0 && !head.etag.includes('"'));
      assert.ok(Math.abs(Date.now() - head.modifiedAt) < 3_600_000);
      const got = asObject(await store.get(key));
      assert.deepEqual(got.facts, head);
      assert.deepEqual(await buffer(got.body), bytes);
    });

    test('how an object is to be read is kept with it: coding, language, file name, and how long it may be kept', async (t) => {
      if (!keepsFacts) return t.skip('the store keeps bytes alone');
      const key = freshKey();
      const fields = {
        'content-encoding': 'br',
        'content-language': 'de, en',
        'content-disposition': 'attachment; filename="a b.txt"',
        'cache-control': 'public, max-age=60',
      };
      await store.put(key, Buffer.from('packed'), { ifAbsent: true, fields });
      assert.deepEqual((await store.head(key))?.fields, fields);
      assert.deepEqual(asObject(await store.get(key)).facts.fields, fields);
      const plain = freshKey();
      await store.put(plain, Buffer.from('plain'), { ifAbsent: true });
      assert.deepEqual((await store.head(plain))?.fields, {});
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
      if (keepsFacts) assert.equal((await store.head(key))?.digest, digestOf('second'));
      await store.put(key, Buffer.from('fourth'), { ifAbsent: false });
      assert.equal((await readAll(key))?.toString(), 'fourth', 'also one of its length');
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
      const fits = (name: string): boolean => name !== 'a' && name.split('/').every(isFileName);
      const keys = names
        .filter((name) => !options.isFileSystem || fits(name))
        .map((name) => parseObjectKey(`contract/names/${name}`));
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
      ]
        .filter((key) => !options.isFileSystem || key.split('/').every(isFileName))
        .map(parseObjectKey);
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
      const keys = Array.from({ length: options.listedKeys ?? 1_050 }, (_, index) =>
        parseObjectKey(`listing/many/${index}`),
      );
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
      const last = expected.filter((key) => key.startsWith('listing/many/9')).at(-2) ?? '';
      const rest = await toArray(store.list({ prefix: 'listing/', after: last }));
      assert.deepEqual(
        rest.map(({ key }) => String(key)),
        expected.slice(expected.indexOf(last) + 1),
      );
      assert.deepEqual(await toArray(store.list({ prefix: 'listing/nothing' })), []);
    });

    test('what others stored under names that are no keys is left out of a listing', async (t) => {
      const { putForeign } = opened;
      if (!putForeign) return t.skip('nobody else stores anything in this backend');
      const keys = ['a/b', 'c'].map((name) => parseObjectKey(`foreign/${name}`));
      for (const key of keys) await store.put(key, Buffer.from('ours'), { ifAbsent: true });
      for (const name of ['a/', 'a//b', 'a/./b', 'b/../c', 'tab\t']) await putForeign(`foreign/${name}`);
      const listed = await toArray(store.list({ prefix: 'foreign/' }));
      assert.deepEqual(
        listed.map(({ key }) => key),
        keys,
      );
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

      /** Of what `uploadOf` signs. */
      const BODY = Buffer.from('0123456789');
      const METADATA = { 'written-by': 'ci of main', claims: '{"ref":"refs/heads/\\u00fc"}' };
      const uploadOf = (key: ObjectKey): Promise<PresignedRequest> =>
        presign(key, {
          method: 'PUT',
          ttlSeconds: 60,
          ifAbsent: true,
          sizeBytes: BODY.length,
          digest: digestOf(BODY),
          metadata: METADATA,
        });
      const isRefusal = (status: number): boolean => status >= 400 && status < 500;

      test('a store presigns exactly where it declares so', async () => {
        assert.equal(store.capabilities.presign, options.presign);
        const signed = await store.presign(freshKey(), { method: 'GET', ttlSeconds: 60 });
        assert.equal(signed !== undefined, options.presign !== 'none');
      });
      if (options.presign === 'none') return;

      test('a signed PUT stores with its digest and metadata, and the first write wins over it', async () => {
        const key = freshKey('signed');
        const signed = await uploadOf(key);
        const stored = await send(signed, { body: BODY });
        assert.ok(stored.ok, await stored.text());
        const head = await store.head(key);
        assert.equal(head?.digest, digestOf(BODY));
        assert.deepEqual(head.metadata, METADATA);

        const replayed = await send(signed, { body: Buffer.from('9876543210') });
        assert.ok([403, 409, 412].includes(replayed.status), String(replayed.status));
        const fetched = await send(await presign(key, { method: 'GET', ttlSeconds: 60 }));
        assert.equal(await fetched.text(), BODY.toString());
      });

      test('a signed GET opens a key of odd letters', async () => {
        const key = freshKey("odd ünï+%41'(x)*!");
        await store.put(key, BODY, { ifAbsent: true });
        const reply = await send(await presign(key, { method: 'GET', ttlSeconds: 60 }));
        assert.equal(await reply.text(), BODY.toString());
        assert.equal(reply.status, 200);
      });

      test('a URL for something else, or with its signature altered, is refused', async () => {
        const [key, other, stored] = [freshKey('altered'), freshKey('altered'), freshKey('altered')];
        await store.put(stored, BODY, { ifAbsent: true });
        const upload = await uploadOf(key);
        const download = await presign(stored, { method: 'GET', ttlSeconds: 60 });
        const attempts: [string, Promise<Response>][] = [
          ['another key', send(upload, { body: BODY }, upload.url.replace(encodeURI(key), encodeURI(other)))],
          ['another method', send(upload, { method: 'DELETE' })],
          [
            'a PUT URL used to read',
            send({ ...upload, url: upload.url.replace(key, stored) }, { method: 'GET' }),
          ],
          ['a GET URL used to write', send(download, { method: 'PUT', headers: upload.headers, body: BODY })],
          ['a GET URL used to delete', send(download, { method: 'DELETE' })],
          ['a signature altered', send(upload, { body: BODY }, alterSignature(upload.url))],
          ['no signature', send(upload, { body: BODY }, upload.url.replace(/\?.*/, ''))],
        ];
        for (const [what, reply] of attempts) assert.ok(isRefusal((await reply).status), what);
        assert.equal(await store.head(key), undefined);
        assert.equal(await store.head(other), undefined);
        assert.equal((await readAll(stored))?.toString(), BODY.toString());
      });

      test('a URL that has expired is refused', async () => {
        const key = freshKey('expired');
        await store.put(key, BODY, { ifAbsent: true });
        const { clock } = opened;
        assert.ok(clock);
        clock.advance(-3_600_000);
        const signed = await presign(key, { method: 'GET', ttlSeconds: 60 });
        clock.advance(3_600_000);
        assert.ok(isRefusal((await send(signed)).status));
      });

      test('a PUT URL without its condition never replaces what is there', async () => {
        const key = freshKey('no-condition');
        const signed = await uploadOf(key);
        await store.put(key, Buffer.from('the first'), { ifAbsent: true });
        const reply = await send(signed, { body: BODY, headers: withoutCondition(signed.headers) });
        assert.ok(isRefusal(reply.status), String(reply.status));
        assert.equal((await readAll(key))?.toString(), 'the first');
      });

      if (options.presign === 'key') return;

      test('a PUT URL binds each header of its metadata', async () => {
        const key = freshKey('metadata');
        const signed = await uploadOf(key);
        for (const value of Object.values(METADATA)) {
          const name = Object.keys(signed.headers).find((header) => signed.headers[header] === value) ?? '';
          const { [name]: _, ...dropped } = signed.headers;
          const altered = { ...signed.headers, [name]: `${value}!` };
          for (const headers of [dropped, altered]) {
            assert.ok(isRefusal((await send(signed, { body: BODY, headers })).status), name);
          }
        }
        assert.equal(await store.head(key), undefined);
        assert.ok((await send(signed, { body: BODY })).ok);
      });

      test('a PUT URL binds condition, digest, length and query', async () => {
        const key = freshKey('bound');
        const signed = await uploadOf(key);
        const digest = digestOf(BODY);
        const otherDigest = Object.fromEntries(
          Object.entries(signed.headers).map(([name, value]) => [
            name,
            value === digest ? digestOf('other') : value,
          ]),
        );
        assert.notDeepEqual(otherDigest, signed.headers);
        const longer = { ...signed.headers, 'content-length': '11' };
        const attempts: [string, Promise<Response>][] = [
          ['no condition', send(signed, { body: BODY, headers: withoutCondition(signed.headers) })],
          ['another digest', send(signed, { body: BODY, headers: otherDigest })],
          ['a longer body', send(signed, { body: Buffer.alloc(11), headers: longer })],
          ['another query', send(signed, { body: BODY }, `${signed.url}&versionId=1`)],
        ];
        for (const [what, reply] of attempts) assert.ok(isRefusal((await reply).status), what);
        assert.equal(await store.head(key), undefined);
      });
    });
  });
}

/** The headers without the one that lets only the first write in: `If-None-Match`, or GCS's generation 0. */
function withoutCondition(headers: PresignedRequest['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !/if-none-match|if-generation-match/.test(name));
  assert.equal(kept.length, Object.keys(headers).length - 1);
  return Object.fromEntries(kept);
}

/** The same URL with another signature of the same shape. A letter inside a percent-escape could leave it what it was. */
function alterSignature(url: string): string {
  return url.replace(
    /(sig(?:nature)?=(?:%..)*)([^&%])/i,
    (_, before: string, letter: string) => before + (letter === 'b' ? 'c' : 'b'),
  );
}

function asObject(got: StoredObject | 'unsatisfiable' | undefined): StoredObject {
  assert.ok(got !== undefined && got !== 'unsatisfiable', 'the object is there');
  return got;
}

function isFileName(segment: string): boolean {
  return Buffer.byteLength(segment) <= 255;
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
