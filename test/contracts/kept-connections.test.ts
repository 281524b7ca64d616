/** How long the drivers keep idle connections: every one of them against one server that keeps them for ever. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { digestOf } from '../../src/base/digest.ts';
import { AzureStore } from '../../src/storage/drivers/azure/azure-store.ts';
import { GcsStore } from '../../src/storage/drivers/gcs/gcs-store.ts';
import { S3Store } from '../../src/storage/drivers/s3/s3-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { TestIdentity } from '../rig/gcs-server/identity.ts';
import { HttpServer } from '../rig/http-server.ts';
import { openTempFolder } from '../rig/temp-folder.ts';

const folder = await openTempFolder();
after(() => folder[Symbol.asyncDispose]());
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  GOOGLE_APPLICATION_CREDENTIALS: await new TestIdentity().writeKeyFile(folder.path),
});

const DRIVERS: Readonly<Record<string, (url: string) => ObjectStore>> = {
  s3: (url) => new S3Store({ bucket: 'bucket', region: 'region', endpoint: url, pathStyle: true }),
  gcs: (url) => new GcsStore({ bucket: 'bucket', endpoint: url }),
  azure: (url) =>
    new AzureStore({
      endpoint: `${url}/account`,
      container: 'container',
      credential: { kind: 'key', key: new StorageSharedKeyCredential('account', 'a2V5') },
    }),
};

const [KEY, SLOW_KEY] = [parseObjectKey('key'), parseObjectKey('slow')];
const BODY = Buffer.from('a body that can be sent once');
const OBJECT = { etag: '"1"', 'last-modified': new Date().toUTCString(), 'content-length': '0' };

describe('an idle connection', { concurrency: true }, () => {
  for (const [name, open] of Object.entries(DRIVERS)) {
    test(`of ${name} is given up after seconds, and one on which an answer is waited for is not`, {
      timeout: 20_000,
    }, async ({ signal }) => {
      const used: Socket[] = []; // by each request
      const waiting = Promise.withResolvers<void>();
      const late = Promise.withResolvers<void>();
      await using server = await HttpServer.start(
        async (request, response) => {
          used.push(request.socket);
          await buffer(request);
          if (request.url?.endsWith(SLOW_KEY)) {
            waiting.resolve();
            await late.promise;
          }
          response.writeHead(request.method === 'PUT' ? 201 : 200, OBJECT).end();
        },
        { keepAliveTimeout: 0 },
      );
      const store = open(server.url);
      const slow = store.head(SLOW_KEY);
      await waiting.promise;
      await store.head(KEY);
      const [busy, idle] = used;
      assert.ok(busy && idle && busy !== idle);

      await once(idle, 'close', { signal });
      assert.equal(busy.destroyed, false);
      late.resolve();
      assert.ok(await slow);

      const announced = { ifAbsent: true, sizeBytes: BODY.length, digest: digestOf(BODY) };
      assert.equal(await store.put(KEY, Readable.from([BODY]), announced), 'stored');
      assert.notEqual(used.at(-1), idle);
      await store.close();
    });
  }
});
