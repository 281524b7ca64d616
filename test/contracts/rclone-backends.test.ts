import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { Secret } from '../../src/base/secret.ts';
import { RcloneStore, type RcloneStoreOptions } from '../../src/storage/drivers/rclone/rclone-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { ensureDebian } from '../rig/debian.ts';
import { RCLONE_NEED, startWebdav } from '../rig/rclone.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { openTestS3 } from '../rig/test-s3.ts';
import { describeObjectStore } from './object-store.ts';

const ready = await ensureDebian(RCLONE_NEED);
const s3 = await openTestS3();
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

const lacking = ready === 'ready' ? undefined : ready.skip;
const shared = { raceRounds: 1, presign: 'none', keeps: 'bytes' } as const;

function secrets(options: Readonly<Record<string, string>>): RcloneStoreOptions['options'] {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, new Secret(value)]));
}

describeObjectStore(
  'rclone over WebDAV',
  async () => {
    const folder = await openTempFolder();
    const server = await startWebdav(folder.path);
    const { url, user, password: pass } = server;
    const store = await RcloneStore.open({
      remote: 'webdav',
      path: 'a folder/that is made',
      options: secrets({ url, user, pass }),
    });
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store.close();
        await server[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  },
  // rclone waits 10 ms before each request over WebDAV, and a write is ten of them.
  { ...shared, skip: lacking, isFileSystem: true, listedKeys: 60 },
);

async function openS3(bucket: string, secretAccessKey?: string): Promise<RcloneStore> {
  if ('skip' in s3) throw new Error(s3.skip);
  const { endpoint, region, accessKeyId: access_key_id, ...server } = s3.server;
  const secret_access_key = secretAccessKey ?? server.secretAccessKey;
  const options = secrets({ provider: 'Ceph', endpoint, region, access_key_id, secret_access_key });
  return RcloneStore.open({ remote: 's3', path: bucket, options });
}

const withoutS3 = lacking ?? ('skip' in s3 ? s3.skip : undefined);

describeObjectStore(
  'rclone over S3 on Ceph radosgw',
  async () => {
    if ('skip' in s3) throw new Error(s3.skip);
    const store = await openS3(await s3.makeBucket());
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
  { ...shared, skip: withoutS3, listedKeys: 100 },
);

test('a bucket that does not exist, and a secret that is wrong, are found out by a probe', async (t) => {
  if (withoutS3 !== undefined || 'skip' in s3) return t.skip(withoutS3);
  const missing = await openS3('no-such-bucket');
  await assert.rejects(missing.probe(), { code: 'STORAGE_UNAVAILABLE', message: /bucket .* does not exist/ });
  await missing.close();
  const refused = await openS3(await s3.makeBucket(), 'a-wrong-secret');
  await assert.rejects(refused.probe(), { code: 'STORAGE_FAILED', message: /refuses it/ });
  await refused.close();
});

test('an etag is the hash that S3 keeps, so that what is stored again has the same', async (t) => {
  if (withoutS3 !== undefined || 'skip' in s3) return t.skip(withoutS3);
  const store = await openS3(await s3.makeBucket());
  const key = parseObjectKey('a/key');
  await store.put(key, Buffer.from('a body'), { ifAbsent: true });
  assert.equal((await store.head(key))?.etag, createHash('md5').update('a body').digest('hex'));
  await store.close();
});
