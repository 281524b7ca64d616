/** S3, Azure and GCS servers behind a network that resets, stalls, and loses replies (F21, F22). */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { systemClock } from '../../src/base/clock.ts';
import { digestOf } from '../../src/base/digest.ts';
import { AzureStore } from '../../src/storage/drivers/azure/azure-store.ts';
import { GcsStore } from '../../src/storage/drivers/gcs/gcs-store.ts';
import { S3Store } from '../../src/storage/drivers/s3/s3-store.ts';
import { type ObjectKey, parseObjectKey } from '../../src/storage/object-key.ts';
import { RetryingStore } from '../../src/storage/retrying-store.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { TimeoutStore } from '../../src/storage/timeout-store.ts';
import { Azurite } from '../rig/azurite.ts';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';
import { openTestS3 } from '../rig/test-s3.ts';
import { ToxicProxy, type Toxin } from '../rig/toxic-proxy.ts';

interface Backend extends AsyncDisposable {
  readonly port: number;
  /** The driver, talking to that port instead. */
  readonly driverTo: (port: number) => Promise<ObjectStore>;
}

/** The store as the server opens it, with little patience, over a network whose next connections suffer. */
class FaultyStore implements AsyncDisposable {
  readonly store: ObjectStore;
  /** Operations that were made again. */
  readonly retried: string[] = [];
  readonly #proxy: ToxicProxy;

  private constructor(driver: ObjectStore, proxy: ToxicProxy) {
    this.#proxy = proxy;
    const timed = new TimeoutStore(driver, { answerMs: 1_000, stallMs: 1_000 }, systemClock);
    this.store = new RetryingStore(timed, {
      attempts: 3,
      pauseMs: 20,
      deadlineMs: 10_000,
      clock: systemClock,
      onRetry: (operation) => this.retried.push(operation),
    });
  }

  static async open(backend: Backend, ...toxins: Toxin[]): Promise<FaultyStore> {
    const proxy = await ToxicProxy.start(backend.port);
    proxy.toxins.push(...toxins);
    return new FaultyStore(await backend.driverTo(proxy.port), proxy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.#proxy[Symbol.asyncDispose]();
  }
}

function describeFaults(name: string, skip: string | false, open: () => Promise<Backend>): void {
  describe(`${name} behind a faulty network`, { skip }, () => {
    let backend: Backend;
    let well: ObjectStore;
    before(async () => {
      backend = await open();
      well = await backend.driverTo(backend.port);
    });
    after(async () => {
      await well.close();
      await backend[Symbol.asyncDispose]();
    });

    const freshKey = (): ObjectKey => parseObjectKey(`faulty/${randomBytes(8).toString('hex')}`);
    const storedAt = async (key: ObjectKey): Promise<Buffer | undefined> => {
      const got = await well.get(key);
      return got && got !== 'unsatisfiable' ? buffer(got.body) : undefined;
    };

    for (const toxin of ['reset', 'stall', 'lose-reply'] as const) {
      test(`a read is made again after a ${toxin}`, async () => {
        const key = freshKey();
        await well.put(key, Buffer.from('x'), { ifAbsent: true });
        await using faulty = await FaultyStore.open(backend, toxin, toxin);
        assert.equal((await faulty.store.head(key))?.sizeBytes, 1);
        assert.deepEqual(faulty.retried, ['head', 'head']);
      });

      test(`a first write is made again after a ${toxin}, and is ours`, async () => {
        const key = freshKey();
        const body = randomBytes(200_000);
        await using faulty = await FaultyStore.open(backend, toxin);
        assert.equal(await faulty.store.put(key, Readable.from([body]), { ifAbsent: true }), 'stored');
        assert.deepEqual(await storedAt(key), body);
      });
    }

    test('a first write whose reply is lost every time is still known to be ours', async () => {
      const key = freshKey();
      const body = Buffer.from('ours');
      await using faulty = await FaultyStore.open(backend, 'lose-reply', 'lose-reply', 'lose-reply');
      assert.equal(await faulty.store.put(key, body, { ifAbsent: true }), 'stored');
    });

    test('a body that goes straight through and loses its reply is resolved by its digest', async () => {
      const body = randomBytes(100_000);
      const announced = { ifAbsent: true, sizeBytes: body.length, digest: digestOf(body) };
      const [ours, theirs] = [freshKey(), freshKey()];
      await well.put(theirs, Buffer.from('theirs'), { ifAbsent: true });
      await using first = await FaultyStore.open(backend, 'lose-reply');
      assert.equal(await first.store.put(ours, Readable.from([body]), announced), 'stored');
      await using second = await FaultyStore.open(backend, 'lose-reply');
      assert.equal(await second.store.put(theirs, Readable.from([body]), announced), 'exists');
      assert.equal((await storedAt(theirs))?.toString(), 'theirs');
    });

    test('a backend that stays away is given up in the time allowed, in words', async () => {
      await using faulty = await FaultyStore.open(backend, 'reset', 'reset', 'reset', 'reset');
      await assert.rejects(faulty.store.head(freshKey()), { code: 'STORAGE_UNAVAILABLE' });
    });

    test('a body that breaks off fails, and never ends as if it were whole', async () => {
      const key = freshKey();
      const body = randomBytes(1024 * 1024);
      await well.put(key, body, { ifAbsent: true });
      await using faulty = await FaultyStore.open(backend, { cut: 256 * 1024 });
      const got = await faulty.store.get(key);
      assert.ok(got && got !== 'unsatisfiable');
      await assert.rejects(buffer(got.body));
    });
  });
}

const s3 = await openTestS3();
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));
if (!('skip' in s3)) Object.assign(process.env, s3.env);

describeFaults('Ceph radosgw', 'skip' in s3 ? s3.skip : false, async () => {
  assert.ok(!('skip' in s3));
  const { endpoint, region } = s3.server;
  const bucket = await s3.makeBucket();
  return {
    port: Number(new URL(endpoint).port),
    driverTo: async (port) =>
      new S3Store({ bucket, region, endpoint: `http://127.0.0.1:${port}`, pathStyle: true }),
    [Symbol.asyncDispose]: async () => {},
  };
});

describeFaults('azurite', false, async () => {
  const azurite = await Azurite.start();
  const container = await azurite.makeContainer();
  const { port } = new URL(azurite.endpoint);
  return {
    port: Number(port),
    driverTo: async (to) =>
      new AzureStore({
        endpoint: azurite.endpoint.replace(port, String(to)),
        container,
        credential: { kind: 'key', key: new StorageSharedKeyCredential(azurite.account, azurite.key) },
      }),
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  };
});

describeFaults('the GCS test server', false, async () => {
  const gcs = await GcsServer.start();
  Object.assign(process.env, await gcs.keyEnv());
  const bucket = gcs.makeBucket();
  return {
    port: Number(new URL(gcs.url).port),
    driverTo: async (port) => new GcsStore({ bucket, endpoint: `http://127.0.0.1:${port}` }),
    [Symbol.asyncDispose]: () => gcs[Symbol.asyncDispose](),
  };
});
