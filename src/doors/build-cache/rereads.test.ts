import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { StubStore } from '../../../test/rig/stub-store.ts';
import { digestOf } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';
import type { Got } from '../../storage/store.ts';
import { MAX_REREADS, REREAD_WIDTH, Rereads } from './rereads.ts';

/** A store of which the test ends each read by hand. */
class SlowStore extends StubStore {
  readonly reading: { key: ObjectKey; end: (got: Got) => void }[] = [];

  override get(key?: ObjectKey): Promise<Got> {
    const { promise, resolve } = Promise.withResolvers<Got>();
    assert.ok(key);
    this.reading.push({ key, end: resolve });
    return promise;
  }
}

function key(name: string | number): ObjectKey {
  return parseObjectKey(`objects/${name}`);
}

function holding(body: Readable): Got {
  const facts = {
    sizeBytes: 4,
    digest: digestOf('body'),
    contentType: undefined,
    etag: 'e',
    modifiedAt: 0,
    metadata: {},
  };
  return { facts, span: 'whole', body };
}

async function isDone(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => true), turnOfLoop(false)]);
}

test('an object is read to its end', async () => {
  const store = new StubStore();
  const body = Readable.from([Buffer.from('bo'), Buffer.from('dy')]);
  store.got = holding(body);
  await new Rereads(store).read(key('a'));
  assert.equal(body.readableEnded, true);
});

test('an object that is not there is nothing to read', async () => {
  await new Rereads(new StubStore()).read(key('a'));
});

test('that the bytes are wrong is what was asked, not a failure', async () => {
  for (const code of ['DIGEST_MISMATCH', 'BODY_TRUNCATED'] as const) {
    const store = new StubStore();
    store.got = holding(
      new Readable({
        read() {
          this.destroy(new VelocityError(code, 'Damaged.'));
        },
      }),
    );
    await new Rereads(store).read(key('a'));
  }
});

test('a backend that is unwell fails the question', async () => {
  const store = new StubStore();
  store.failure = new VelocityError('STORAGE_UNAVAILABLE', 'Away.');
  await assert.rejects(new Rereads(store).read(key('a')), { code: 'STORAGE_UNAVAILABLE' });
});

test('however often it is asked for, an object is read once at a time', async () => {
  const store = new SlowStore();
  const rereads = new Rereads(store);
  const asked = [rereads.read(key('a')), rereads.read(key('a')), rereads.read(key('a'))];
  await turnOfLoop();
  assert.equal(store.reading.length, 1);
  store.reading[0]?.end(undefined);
  await Promise.all(asked);
  void rereads.read(key('a'));
  await turnOfLoop();
  assert.equal(store.reading.length, 2);
});

test('few are read at once, some wait, and beyond them nothing is read', async () => {
  const store = new SlowStore();
  const rereads = new Rereads(store);
  const asked = Array.from({ length: MAX_REREADS }, (_, index) => rereads.read(key(index)));
  assert.equal(await isDone(rereads.read(key('beyond'))), true);
  assert.equal(store.reading.length, REREAD_WIDTH);
  for (let ended = 0; ended < MAX_REREADS; ended++) {
    store.reading[ended]?.end(undefined);
    await turnOfLoop();
  }
  await Promise.all(asked);
  assert.deepEqual(
    store.reading.map((each) => each.key),
    Array.from({ length: MAX_REREADS }, (_, index) => key(index)),
  );
});
