/** Folders of the files that are stores reached by rclone: the same requests, wherever the cache has moved. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ensureDebian } from '../rig/debian.ts';
import { RCLONE_NEED, startWebdav } from '../rig/rclone.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { openTestS3 } from '../rig/test-s3.ts';

const AUTHORIZED = { authorization: `Bearer ${TEST_TOKEN}` };
const ready = await ensureDebian(RCLONE_NEED);
const s3 = await openTestS3();
const resources = new AsyncDisposableStack();
if (!('skip' in s3)) resources.use(s3);
after(() => resources[Symbol.asyncDispose]());

interface Remote {
  /** A store of the type `rclone`, as the configuration has it. */
  readonly store: object;
  /** What the remote has by itself, without us; `undefined`: that is not looked at. */
  readonly read: ((key: string) => Promise<Buffer>) | undefined;
}

const REMOTES: Readonly<Record<string, { skip: string | false; open: (folder: string) => Promise<Remote> }>> =
  {
    'a local folder': {
      skip: false,
      open: async (folder) => ({
        store: { remote: 'local', path: folder },
        read: (key) => readFile(join(folder, key)),
      }),
    },
    'a WebDAV server': {
      skip: false,
      async open(folder) {
        const { url, user, password: pass } = resources.use(await startWebdav(folder));
        return {
          store: { remote: 'webdav', options: { url, user, pass } },
          read: (key) => readFile(join(folder, key)),
        };
      },
    },
    'S3 (radosgw)': {
      skip: 'skip' in s3 ? s3.skip : false,
      async open() {
        if ('skip' in s3) throw new Error(s3.skip);
        const {
          endpoint,
          region,
          accessKeyId: access_key_id,
          secretAccessKey: secret_access_key,
        } = s3.server;
        const options = { provider: 'Ceph', endpoint, region, access_key_id, secret_access_key };
        return { store: { remote: 's3', path: await s3.makeBucket(), options }, read: undefined };
      },
    },
  };

for (const [name, { skip, open }] of Object.entries(REMOTES))
  describe(`a mount of ${name}`, { skip: ready === 'ready' ? skip : ready.skip }, () => {
    test('is written and read at the addresses of files, and refuses what takes a journal', async () => {
      await using folder = await openTempFolder();
      const [remote, root] = [join(folder.path, 'remote'), join(folder.path, 'files')];
      await mkdir(remote);
      const { store, read } = await open(remote);
      const config = join(folder.path, 'velocity.yml');
      const settings = {
        files: { root, mounts: { moved: { path: 'cache/moved', store: 'remote' } } },
        stores: { remote: { type: 'rclone', ...store } },
        cache: { max_memory: '32MiB' },
      };
      await writeFile(config, JSON.stringify(settings)); // which is YAML, too
      await using server = await ServerProcess.start(
        { VC_LOCAL_ROOT: join(folder.path, 'store') },
        [],
        ['--config', config],
      );
      const send = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
        fetch(`${server.url}/files/${path}`, {
          method,
          ...init,
          headers: { ...AUTHORIZED, ...init.headers },
        });

      const body = randomBytes(3_000_000);
      assert.equal((await send('PUT', 'cache/moved/linux/key.tar.zst', { body })).status, 201);
      const got = await send('GET', 'cache/moved/linux/key.tar.zst');
      assert.ok(Buffer.from(await got.arrayBuffer()).equals(body));
      if (read) assert.ok((await read('linux/key.tar.zst')).equals(body), 'it is where the remote has it');
      const part = await send('GET', 'cache/moved/linux/key.tar.zst', { headers: { range: 'bytes=10-19' } });
      assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, body.subarray(10, 20)]);
      const head = await send('HEAD', 'cache/moved/linux/key.tar.zst');
      assert.equal(head.headers.get('content-length'), String(body.length));

      const listed = (await (await send('GET', 'cache/moved/linux')).json()) as {
        entries: { name: string }[];
      };
      assert.deepEqual(
        listed.entries.map((entry) => entry.name),
        ['key.tar.zst'],
      );
      const above = (await (await send('GET', 'cache')).json()) as { entries: { name: string }[] };
      assert.deepEqual(
        above.entries.map((entry) => entry.name),
        ['moved'],
        'a mount is seen from above',
      );
      for (const past of ['history', 'revision=1', 'at=0'])
        assert.equal((await send('GET', `cache/moved/linux/key.tar.zst?${past}`)).status, 501, past);
      assert.equal((await send('DELETE', 'cache')).status, 409, 'no folder goes with a mount in it');

      assert.equal((await send('DELETE', 'cache/moved/linux/key.tar.zst')).status, 204);
      assert.equal((await send('GET', 'cache/moved/linux/key.tar.zst')).status, 404);
      assert.equal((await send('PUT', 'cache/local.txt', { body: 'beside it' })).status, 201);
      assert.equal(await readFile(join(root, 'cache', 'local.txt'), 'utf8'), 'beside it');
    });
  });
