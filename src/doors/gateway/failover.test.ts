import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { GatewayServer } from '../../../test/rig/gateway-server.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { StubStore } from '../../../test/rig/stub-store.ts';
import { type ByteRange, resolveByteRange } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import { FailoverStore } from '../../storage/failover-store.ts';
import type { Got, ObjectFacts } from '../../storage/store.ts';

const SIZE = 1000;
const RANGE = { headers: { range: 'bytes=-10' } };

/** A bucket that has one object, of one letter, under every key. */
class Replica extends StubStore {
  readonly #letter: string;
  readonly #etag: string;
  /** Reads that are answered before it is away. */
  left = Number.POSITIVE_INFINITY;

  constructor(letter: string, etag: string) {
    super();
    this.#letter = letter;
    this.#etag = etag;
  }

  override async head(): Promise<ObjectFacts | undefined> {
    if (this.left-- <= 0) throw new VelocityError('STORAGE_UNAVAILABLE', 'away');
    const unknown = { digest: undefined, contentType: undefined, metadata: {} };
    return { sizeBytes: SIZE, etag: this.#etag, modifiedAt: 0, ...unknown };
  }

  override async get(_key?: unknown, range?: ByteRange): Promise<Got> {
    const facts = await this.head();
    const span = range && resolveByteRange(range, SIZE);
    const length = span ? span.last - span.first + 1 : SIZE;
    const body = Readable.from([Buffer.alloc(length, this.#letter)]);
    return facts && { facts, span: span ?? 'whole', body };
  }

  override async put(_key: unknown, body: Readable | Uint8Array): Promise<'stored'> {
    if (body instanceof Readable) await body.toArray();
    return 'stored';
  }
}

async function start(eu: Replica, us: Replica): Promise<GatewayServer> {
  const store = new FailoverStore(eu, [us], { clock: new ManualClock() });
  return GatewayServer.start({ store, writesTo: eu, maxObjectSize: SIZE - 1 });
}

test('a part that would come from another store than the facts, and of other bytes, is answered by that store alone', async () => {
  const eu = new Replica('e', 'one');
  await using server = await start(eu, new Replica('u', 'other'));
  eu.left = 1; // the facts, and not the part
  for (let round = 0; round < 2; round++) {
    const part = await server.fetch('/media/a', RANGE);
    assert.deepEqual(
      [part.status, part.headers.get('etag'), await part.text()],
      [206, '"other"', 'u'.repeat(10)],
    );
  }
});

test('a part that comes from another store is as good where it is of the same bytes', async () => {
  const eu = new Replica('e', 'same');
  await using server = await start(eu, new Replica('e', 'same'));
  eu.left = 1;
  const part = await server.fetch('/media/a', RANGE);
  assert.deepEqual([part.status, await part.text()], [206, 'e'.repeat(10)]);
});

test('the type of an object is not read from the bytes of another one', async () => {
  const eu = new Replica('e', 'one');
  const us = new Replica('u', 'other');
  const get = us.get.bind(us);
  us.get = async () => {
    const got = await get();
    if (got === undefined || got === 'unsatisfiable') return got;
    return { ...got, body: Readable.from([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')]) };
  };
  await using server = await start(eu, us);
  eu.left = 1;
  const head = await server.fetch('/media/a', { method: 'HEAD' });
  assert.deepEqual(
    [head.headers.get('etag'), head.headers.get('content-type')],
    ['"one"', 'application/octet-stream'],
  );
  const other = await server.fetch('/media/a', { method: 'HEAD' });
  assert.deepEqual([other.headers.get('etag'), other.headers.get('content-type')], ['"other"', 'image/png']);
});

test('what came of a write is asked of the store it went to, also while that is asked last', async () => {
  const eu = new Replica('e', 'one');
  await using server = await start(eu, new Replica('u', 'other'));
  eu.left = 0;
  await (await server.fetch('/media/a')).text();
  eu.left = Number.POSITIVE_INFINITY;
  const put = await server.put('/media/a', 'e'.repeat(SIZE));
  assert.equal(put.headers.get('etag'), '"one"');
});
