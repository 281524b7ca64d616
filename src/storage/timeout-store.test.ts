import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import { parseObjectKey } from './object-key.ts';
import type { ListedObject, ObjectFacts, PutOptions, PutOutcome } from './store.ts';
import { TimeoutStore } from './timeout-store.ts';

const KEY = parseObjectKey('objects/abc');
const FACTS: ObjectFacts = {
  sizeBytes: 10,
  digest: undefined,
  contentType: undefined,
  etag: 'e',
  modifiedAt: 0,
  metadata: {},
};
const TIMEOUTS = { answerMs: 10_000, stallMs: 60_000 };
const SILENT = { code: 'STORAGE_UNAVAILABLE', message: /said nothing for/ };
const NEVER = new Promise<never>(() => {});

class SilentStore extends StubStore {
  /** The signal of the call under way. */
  signal: AbortSignal | undefined;

  override head(_key?: unknown, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    this.signal = signal;
    return NEVER;
  }
  override delete(): Promise<void> {
    return NEVER;
  }
  override probe(): Promise<void> {
    return NEVER;
  }
  override async *list(): AsyncIterable<ListedObject> {
    yield { key: KEY, sizeBytes: 1, modifiedAt: 0 };
    await NEVER;
  }
}

function open<S extends StubStore>(below: S): { below: S; clock: ManualClock; store: TimeoutStore } {
  const clock = new ManualClock();
  return { below, clock, store: new TimeoutStore(below, TIMEOUTS, clock) };
}

describe('a backend that falls silent', () => {
  test('is given up after the time for an answer, and the call is aborted', async () => {
    const { below, clock, store } = open(new SilentStore());
    for (const call of [() => store.head(KEY), () => store.delete(KEY), () => store.probe()]) {
      const failure = assert.rejects(call(), SILENT);
      clock.advance(9_999);
      clock.advance(1);
      await failure;
    }
    assert.equal(below.signal?.aborted, true);
  });

  test('is given up in the middle of a listing', async () => {
    const { clock, store } = open(new SilentStore());
    const rows = store.list({ prefix: '' })[Symbol.asyncIterator]();
    assert.equal((await rows.next()).value.key, KEY);
    const failure = assert.rejects(rows.next(), SILENT);
    clock.advance(10_000);
    await failure;
  });

  test('breaks a body off that stands still, not one whose reader does', async () => {
    const { below, clock, store } = open(new StubStore());
    const source = new PassThrough();
    below.got = { facts: FACTS, span: 'whole', body: source };
    const got = await store.get(KEY);
    assert.ok(got && got !== 'unsatisfiable');
    const chunks = got.body.iterator();
    source.write('12345');
    assert.equal(String((await chunks.next()).value), '12345');
    const failure = assert.rejects(chunks.next(), SILENT);
    clock.advance(60_000);
    await failure;
    assert.equal(source.destroyed, true);

    const whole = Readable.from([Buffer.alloc(5), Buffer.alloc(5)], { objectMode: false });
    below.got = { facts: FACTS, span: 'whole', body: whole };
    const slow = await store.get(KEY);
    assert.ok(slow && slow !== 'unsatisfiable');
    clock.advance(3_600_000);
    assert.equal((await buffer(slow.body)).length, 10);
  });

  test('gives an upload up that it stops taking, and leaves the body to its owner', async () => {
    const { clock, store } = open(
      new (class extends StubStore {
        override async put(): Promise<PutOutcome> {
          return NEVER;
        }
      })(),
    );
    const body = new PassThrough();
    const failure = assert.rejects(store.put(KEY, body, { ifAbsent: true }), SILENT);
    clock.advance(60_000);
    await failure;
    assert.equal(body.destroyed, false);
  });
});

test('the owner of an upload may be as slow as it likes', async () => {
  const stored: Buffer[] = [];
  const { clock, store } = open(
    new (class extends StubStore {
      override async put(_key: unknown, body: Readable, _options: PutOptions): Promise<PutOutcome> {
        stored.push(await buffer(body));
        return 'stored';
      }
    })(),
  );
  const body = new PassThrough();
  const put = store.put(KEY, body, { ifAbsent: true });
  body.write('12345');
  while (body.readableLength > 0) await new Promise(setImmediate);
  clock.advance(3_600_000);
  body.end('67890');
  assert.equal(await put, 'stored');
  assert.equal(String(stored[0]), '1234567890');
});

test('a caller’s own signal still aborts the call below', async () => {
  const { below, store } = open(new SilentStore());
  const caller = new AbortController();
  void store.head(KEY, caller.signal);
  caller.abort();
  assert.equal(below.signal?.aborted, true);
});

test('a reader that goes away while a chunk is awaited frees the backend’s body', async () => {
  const { below, store } = open(new StubStore());
  const source = new PassThrough();
  below.got = { facts: FACTS, span: 'whole', body: source };
  const got = await store.get(KEY);
  assert.ok(got && got !== 'unsatisfiable');
  got.body.read();
  got.body.destroy();
  await new Promise((resolve) => source.once('close', resolve));
});
