import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { StubStore } from '../../test/rig/stub-store.ts';
import type { ByteRange } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';
import { HedgedStore } from './hedged-store.ts';
import { parseObjectKey } from './object-key.ts';
import { objectOfBytes } from './object-of-bytes.ts';
import type { Got, ObjectFacts, StoredObject } from './store.ts';

const KEY = parseObjectKey('objects/abc');
const UNWELL = new VelocityError('STORAGE_UNAVAILABLE', 'unwell');
const USUAL_MS = 10;

function factsOf(etag: string): ObjectFacts {
  return { sizeBytes: 5, digest: undefined, contentType: undefined, etag, modifiedAt: 0, metadata: {} };
}

function objectOf(etag: string, body: Readable = Readable.from([Buffer.from('12345')])): StoredObject {
  return { facts: factsOf(etag), span: 'whole', body };
}

interface Request {
  readonly signal: AbortSignal | undefined;
  readonly range: ByteRange | undefined;
  readonly answer: (got: Got) => void;
  readonly fail: (error: Error) => void;
}

/** Answers reads when the test says so; an abort alone ends none. */
class SlowStore extends StubStore {
  readonly requests: Request[] = [];

  override async head(_key?: unknown, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    const got = await this.#ask(undefined, signal);
    return got === 'unsatisfiable' ? undefined : got?.facts;
  }

  override get(_key?: unknown, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#ask(range, signal);
  }

  #ask(range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Got> {
    const { promise, resolve, reject } = Promise.withResolvers<Got>();
    this.requests.push({ range, signal, answer: resolve, fail: reject });
    return promise;
  }
}

class Rig {
  readonly below = new SlowStore();
  readonly clock = new ManualClock();
  readonly outcomes: string[] = [];
  readonly store = new HedgedStore(this.below, {
    quantile: 0.9,
    clock: this.clock,
    onHedge: (outcome) => this.outcomes.push(outcome),
  });

  /** One that knows how long reads take, and has saved up all it may. */
  static async taught(): Promise<Rig> {
    const rig = new Rig();
    await rig.teach(50);
    await rig.save();
    return rig;
  }

  /** Reads of each kind that take so long. */
  async teach(calls: number, ms = USUAL_MS): Promise<void> {
    for (let call = 0; call < calls; call++) {
      const answers = [this.store.get(KEY), this.store.head(KEY)];
      this.clock.advance(ms);
      for (const { answer } of this.below.requests.splice(0)) answer(undefined);
      await Promise.all(answers);
    }
  }

  /** Calls of which nothing is learned. */
  async save(): Promise<void> {
    for (let call = 0; call < 100; call++) {
      const looking = this.store.head(KEY);
      this.below.requests.pop()?.fail(UNWELL);
      await assert.rejects(looking, UNWELL);
    }
    this.outcomes.length = 0;
  }

  /** The n-th request that is under way since the teaching. */
  request(n: number): Request {
    const request = this.below.requests[n];
    assert.ok(request, `there is a request ${n}`);
    return request;
  }

  get asked(): number {
    return this.below.requests.length;
  }
}

async function etagOf(reading: Promise<Got>): Promise<string | undefined> {
  const got = await reading;
  return got === undefined || got === 'unsatisfiable' ? undefined : got.facts.etag;
}

describe('a read that takes longer than most do', () => {
  test('is sent a second time, for the same part, and not a third time', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY, { from: 1, to: 3 });
    rig.clock.advance(USUAL_MS - 1);
    assert.equal(rig.asked, 1);
    rig.clock.advance(1);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 2);
    assert.deepEqual(rig.request(1).range, { from: 1, to: 3 });
    rig.request(0).answer(undefined);
    await reading;
  });

  test('is answered by the second where that comes first; the first is aborted and its late body destroyed', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(1).answer(objectOf('second'));
    const got = await reading;
    assert.ok(got && got !== 'unsatisfiable');
    assert.equal(got.facts.etag, 'second');
    assert.deepEqual([rig.request(0).signal?.aborted, rig.request(1).signal?.aborted], [true, false]);
    assert.deepEqual(rig.outcomes, ['won']);
    const late = new PassThrough();
    rig.request(0).answer(objectOf('first', late));
    await setImmediate();
    assert.equal(late.destroyed, true);
    late.emit('error', new Error('aborted')); // nobody's, and no crash
    assert.equal(String(await buffer(got.body)), '12345');
  });

  test('is answered by the first where that comes first; the second is aborted, and its failure is nobody’s', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(0).answer(objectOf('first'));
    assert.equal(await etagOf(reading), 'first');
    assert.deepEqual([rig.request(0).signal?.aborted, rig.request(1).signal?.aborted], [false, true]);
    rig.request(1).fail(UNWELL);
    await setImmediate();
    assert.deepEqual(rig.outcomes, ['lost']);
  });

  test('is looked at a second time, too', async () => {
    const rig = await Rig.taught();
    const looking = rig.store.head(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(1).answer(objectOf('second'));
    assert.equal((await looking)?.etag, 'second');
    assert.equal(rig.request(0).signal?.aborted, true);
    rig.request(0).answer(objectOf('first'));
  });

  test('has what is in memory not made into a stream to be dropped', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(0).answer(undefined);
    await reading;
    const late = objectOfBytes(factsOf('second'), 'whole', Buffer.from('12345'));
    Object.defineProperty(late, 'body', { get: () => assert.fail('a stream was made') });
    rig.request(1).answer(late);
    await setImmediate();
  });
});

test('a miss is an answer', async () => {
  const rig = await Rig.taught();
  const reading = rig.store.get(KEY);
  rig.clock.advance(USUAL_MS);
  rig.request(1).answer(undefined);
  assert.equal(await reading, undefined);
  assert.deepEqual(rig.outcomes, ['won']);
});

describe('what fails', () => {
  test('before it is hedged fails at once, and is not sent again', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.request(0).fail(UNWELL);
    await assert.rejects(reading, UNWELL);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 1);
    assert.deepEqual(rig.outcomes, []);
  });

  for (const failing of [0, 1])
    test(`in request ${failing} leaves the answer to the other`, async () => {
      const rig = await Rig.taught();
      const reading = rig.store.get(KEY);
      rig.clock.advance(USUAL_MS);
      rig.request(failing).fail(UNWELL);
      await setImmediate();
      rig.request(1 - failing).answer(objectOf('other'));
      assert.equal(await etagOf(reading), 'other');
      assert.deepEqual(rig.outcomes, [failing === 0 ? 'won' : 'lost']);
    });

  test('in the moment in which the other is answered leaves the answer to that', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(0).fail(UNWELL);
    rig.request(1).answer(objectOf('other'));
    assert.equal(await etagOf(reading), 'other');
  });

  test('in both is the failure that came first', async () => {
    const rig = await Rig.taught();
    const reading = rig.store.get(KEY);
    rig.clock.advance(USUAL_MS);
    rig.request(1).fail(UNWELL);
    await setImmediate();
    rig.request(0).fail(new VelocityError('STORAGE_FAILED', 'later'));
    await assert.rejects(reading, UNWELL);
    assert.deepEqual(rig.outcomes, ['lost']);
  });

  test('by a throw, rather than a promise, fails no less', async () => {
    const rig = await Rig.taught();
    rig.below.get = () => {
      throw UNWELL;
    };
    await assert.rejects(rig.store.get(KEY), UNWELL);
  });
});

describe('a caller that does not wait any more', () => {
  test('aborts both requests', async () => {
    const rig = await Rig.taught();
    const caller = new AbortController();
    const reading = rig.store.get(KEY, undefined, caller.signal);
    rig.clock.advance(USUAL_MS);
    caller.abort();
    for (const n of [0, 1]) {
      assert.equal(rig.request(n).signal?.aborted, true);
      rig.request(n).fail(new Error('aborted'));
    }
    await assert.rejects(reading, /aborted/);
  });

  test('has nothing sent a second time', async () => {
    const rig = await Rig.taught();
    const caller = new AbortController();
    const reading = rig.store.get(KEY, undefined, caller.signal);
    caller.abort();
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 1);
    rig.request(0).fail(new Error('aborted'));
    await assert.rejects(reading, /aborted/);
  });
});

describe('how long reads take', () => {
  test('is known after 50 of them, of each kind for itself; until then nothing is sent twice', async () => {
    const rig = new Rig();
    await rig.teach(49);
    await rig.save();
    const reading = rig.store.get(KEY);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 1);
    rig.request(0).answer(undefined);
    await reading;
    rig.below.requests.length = 0;
    const looking = rig.store.head(KEY);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 1);
    rig.request(0).answer(undefined);
    await looking;
    rig.below.requests.length = 0;
    void rig.store.get(KEY);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 2);
  });

  test('is learned anew where it changes', async () => {
    const rig = await Rig.taught();
    await rig.teach(512, 70);
    await rig.save();
    const reading = rig.store.get(KEY);
    rig.clock.advance(69);
    assert.equal(rig.asked, 1);
    rig.clock.advance(1);
    assert.equal(rig.asked, 2);
    rig.request(0).answer(undefined);
    await reading;
  });

  test('is not learned from failures', async () => {
    const rig = new Rig();
    for (let call = 0; call < 100; call++) {
      const reading = rig.store.get(KEY);
      rig.below.requests.pop()?.fail(UNWELL);
      await assert.rejects(reading, UNWELL);
    }
    void rig.store.get(KEY);
    rig.clock.advance(60_000);
    assert.equal(rig.asked, 1);
  });

  test('includes reads that a hedge won, for as long as they had been waited for', async () => {
    const rig = await Rig.taught();
    for (let call = 0; call < 6; call++) {
      const reading = rig.store.get(KEY);
      rig.clock.advance(USUAL_MS);
      rig.clock.advance(5);
      rig.request(1).answer(undefined);
      await reading;
      rig.below.requests.length = 0;
      await rig.save();
    }
    void rig.store.get(KEY);
    rig.clock.advance(USUAL_MS + 4);
    assert.equal(rig.asked, 1);
    rig.clock.advance(1);
    assert.equal(rig.asked, 2);
  });
});

test('never is more than one call in twenty hedged, and five saved up, however slow the backend is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 300, size: 'max' }), async (slow) => {
      const rig = await Rig.taught();
      const hedged: boolean[] = [];
      for (const isSlow of slow) {
        const reading = rig.store.get(KEY);
        if (isSlow) rig.clock.advance(USUAL_MS);
        hedged.push(rig.asked === 2);
        for (const { answer } of rig.below.requests.splice(0)) answer(undefined);
        await reading;
      }
      const count = (calls: readonly boolean[]): number => calls.filter(Boolean).length;
      for (let from = 0; from < hedged.length; from += 7)
        assert.ok(count(hedged.slice(from)) <= 5 + (hedged.length - from) / 20, `from ${from}`);
      assert.ok(
        hedged.every((was, call) => !was || slow[call]),
        'what is fast is not sent twice',
      );
      if (count(slow) >= 5) assert.ok(count(hedged) >= 5, 'what was saved is spent');
    }),
    { numRuns: 30 },
  );
});

test('writes, deletes and listings are never sent twice', async () => {
  const rig = await Rig.taught();
  let asked = 0;
  rig.below.during = () => void asked++;
  await rig.store.put(KEY, Buffer.alloc(1), { ifAbsent: true });
  await rig.store.delete(KEY);
  await rig.store.probe();
  for await (const _ of rig.store.list({ prefix: '' })) assert.fail('it is empty');
  rig.clock.advance(60_000);
  await setImmediate();
  assert.equal(asked, 3);
});
