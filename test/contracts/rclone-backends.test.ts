import { after } from 'node:test';
import { Secret } from '../../src/base/secret.ts';
import { RcloneStore, type RcloneStoreOptions } from '../../src/storage/drivers/rclone/rclone-store.ts';
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

describeObjectStore(
  'rclone over S3 on Ceph radosgw',
  async () => {
    if ('skip' in s3) throw new Error(s3.skip);
    const { endpoint, region, accessKeyId: access_key_id, secretAccessKey: secret_access_key } = s3.server;
    const bucket = await s3.makeBucket();
    const provider = 'Ceph';
    const options = secrets({ provider, endpoint, region, access_key_id, secret_access_key });
    const store = await RcloneStore.open({ remote: 's3', path: bucket, options });
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
  { ...shared, skip: lacking ?? ('skip' in s3 ? s3.skip : undefined), listedKeys: 100 },
);
