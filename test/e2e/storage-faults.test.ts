/** Storage that is full or closed, under the real process. F names rows of docs/faults.md. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { succeeds } from '../rig/debian.ts';
import { download, negotiate, slowUpload, upload } from '../rig/negotiate.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { TinyDisk } from '../rig/tiny-disk.ts';
import { until } from '../rig/until.ts';

const freshHash = (): string => digestOf(randomBytes(16));
const storedFiles = (root: string): Promise<string[]> => readdir(join(root, 'store-v1', 'objects'));
const tempFiles = (root: string): Promise<string[]> => readdir(join(root, 'store-v1-tmp'));

const mounted = await TinyDisk.mount(4);
const noDisk = 'skip' in mounted ? mounted.skip : false;

describe('a full disk (F3)', { skip: noDisk }, () => {
  const disk = mounted as TinyDisk;
  const stored = new Map<string, Buffer>();
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start({ VC_LOCAL_ROOT: disk.path });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
  });

  const refused: string[] = [];
  /** Uploads bodies of one size until one is not stored; its answer. */
  async function fillWith(sizeBytes: number): Promise<Response> {
    for (;;) {
      const [hash, body] = [freshHash(), randomBytes(sizeBytes)];
      const reply = await put(server.url, hash, body);
      if (reply.status !== 201) {
        refused.push(hash);
        return reply;
      }
      stored.set(hash, body);
    }
  }

  test('an upload without room for it is 507, leaves nothing behind, and is logged', async () => {
    for (const sizeBytes of [700_000, 50_000, 1]) {
      const reply = await fillWith(sizeBytes);
      assert.equal(reply.status, 507);
      const problem = (await reply.json()) as { code: string; detail: string };
      assert.equal(problem.code, 'STORAGE_FULL');
      assert.ok(!problem.detail.includes(disk.path), problem.detail);
      assert.deepEqual(await tempFiles(disk.path), []);
    }
    assert.ok(stored.size > 10);
    await until(async () => faults(server).split('\n').length === 3);
    assert.match(faults(server), /no room left on the disk.*STORAGE_FULL/);
  });

  test('a body without an announced length is 507 too', async () => {
    const hash = freshHash();
    const { url, headers } = await negotiate(server.url, { hash, action: 'upload' }, 'upload_needed');
    const sending = slowUpload(url, { ...headers, 'transfer-encoding': 'chunked' });
    await sending.write(randomBytes(2_000_000)).catch(() => {}); // it may be refused before its end
    sending.end();
    assert.equal(await sending.status, 507);
    assert.deepEqual(await tempFiles(disk.path), []);
    refused.push(hash);
  });

  test('nothing of what was refused is visible, and what was stored before is whole', async () => {
    for (const hash of refused) assert.equal(await download(server.url, hash), undefined);
    for (const [hash, body] of stored) assert.deepEqual(await download(server.url, hash), body);
    assert.equal((await storedFiles(disk.path)).length, stored.size);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
  });

  test('a gateway starts on a full disk and gives out what is there', async () => {
    await using second = await ServerProcess.start({ VC_LOCAL_ROOT: disk.path });
    const [[hash, body] = ['', Buffer.alloc(0)]] = stored;
    assert.deepEqual(await download(second.url, hash), body);
    assert.equal((await put(second.url, freshHash(), randomBytes(100))).status, 507);
  });

  test('with room again, the same process stores what it refused before', async () => {
    await disk.resize(12);
    for (const hash of refused) {
      const body = randomBytes(700_000);
      assert.equal(await upload(server.url, hash, body), 201);
      assert.deepEqual(await download(server.url, hash), body);
    }
    assert.equal((await fetch(`${server.url}/ready`)).status, 200);
  });
});

/** Root may write everywhere; without this capability the folder's mode binds it like anybody else. */
const AS_BOUND_BY_MODES =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'] : [];
const cannotBind =
  AS_BOUND_BY_MODES.length > 0 && !succeeds('setpriv', [...AS_BOUND_BY_MODES.slice(1), 'true'])
    ? 'skipped: root writes where modes forbid it, and setpriv (util-linux) cannot take that from it here'
    : false;

describe('a folder that cannot be written (F5)', () => {
  /** Takes and gives back the right to write below a root. */
  interface Closing {
    readonly name: string;
    readonly skip: string | false;
    readonly reason: RegExp;
    open(): Promise<{ root: string; close(): Promise<void>; reopen(): Promise<void> } & AsyncDisposable>;
  }

  const modes: Closing = {
    name: 'whose mode forbids it',
    skip: cannotBind,
    reason: /EACCES/,
    async open() {
      const folder = await openTempFolder();
      const setMode = async (mode: number): Promise<void> => {
        for (const name of ['store-v1/objects', 'store-v1', 'store-v1-tmp', '']) {
          await chmod(join(folder.path, name), mode);
        }
      };
      return {
        root: folder.path,
        close: () => setMode(0o500),
        reopen: () => setMode(0o700),
        async [Symbol.asyncDispose]() {
          await setMode(0o700).catch(() => {});
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  };

  const readOnlyMount: Closing = {
    name: 'on a file system that became read-only',
    skip: noDisk,
    reason: /EROFS/,
    async open() {
      const own = await TinyDisk.mount(4);
      if ('skip' in own) throw new Error(own.skip);
      return {
        root: own.path,
        close: () => own.makeReadOnly(),
        reopen: () => own.makeWritable(),
        [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
      };
    },
  };

  for (const { name, skip, reason, open } of [modes, readOnlyMount]) {
    test(`a folder ${name}: uploads are 503 and logged, reads go on, and writing works again after`, {
      skip,
    }, async () => {
      await using place = await open();
      await using server = await ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      const [hash, body] = [freshHash(), randomBytes(100_000)];
      assert.equal(await upload(server.url, hash, body), 201);

      await place.close();
      const late = freshHash();
      const reply = await put(server.url, late, body);
      assert.equal(reply.status, 503);
      assert.equal(((await reply.json()) as { code: string }).code, 'STORAGE_UNAVAILABLE');
      await until(async () => reason.test(faults(server)));
      assert.deepEqual(await download(server.url, hash), body);
      assert.equal(await download(server.url, late), undefined);
      assert.equal((await fetch(`${server.url}/ready`)).status, 503);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);

      await place.reopen();
      assert.equal(await upload(server.url, late, body), 201);
      assert.deepEqual(await download(server.url, late), body);
    });

    test(`a gateway does not start in a folder ${name}, and says why`, { skip }, async () => {
      await using place = await open();
      await using first = await ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      assert.equal(await upload(first.url, freshHash(), randomBytes(100)), 201);
      await first.end('SIGTERM');
      await place.close();
      const starting = ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      await assert.rejects(starting, ({ message }: Error) => {
        assert.match(message, /the server did not start: velocity: Could not /);
        assert.match(message, reason);
        assert.ok(message.includes(place.root), message);
        assert.doesNotMatch(message, /\n\s+at /, 'a sentence for an operator, not a stack');
        return true;
      });
    });
  }
});

/** Negotiates and uploads; the whole answer to the upload. */
async function put(url: string, hash: string, body: Buffer): Promise<Response> {
  const granted = await negotiate(url, { hash, action: 'upload' }, 'upload_needed');
  return fetch(granted.url, { method: 'PUT', headers: granted.headers, body });
}

/** What a server logged as errors so far. */
function faults({ log }: ServerProcess): string {
  return log
    .filter(({ level }) => level === 'error')
    .map((line) => JSON.stringify(line))
    .join('\n');
}
