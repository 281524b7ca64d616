/** `velocity cache` as an operator uses it, on a folder and on a real Azure server. */
import assert from 'node:assert/strict';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { digestOf } from '../../src/base/digest.ts';
import { AzureStore } from '../../src/storage/drivers/azure/azure-store.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { Azurite } from '../rig/azurite.ts';
import { type CliResult, velocity } from '../rig/cli.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';

const HASHES = ['one', 'two', 'three'].map((text) => digestOf(text));
const [FIRST = ''] = HASHES;

interface Place extends AsyncDisposable {
  readonly store: ObjectStore;
  readonly env: Readonly<Record<string, string>>;
}

async function onDisk(): Promise<Place & { readonly root: string }> {
  const folder = await openTempFolder();
  const root = folder.path;
  const store = await LocalStore.open({ root });
  return {
    root,
    store,
    env: { VC_LOCAL_ROOT: root },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function cache(env: Readonly<Record<string, string>>, ...args: string[]): Promise<CliResult> {
  return velocity(['cache', ...args], { cwd: '/', env });
}

async function fill(store: ObjectStore): Promise<void> {
  for (const hash of HASHES)
    await store.put(parseObjectKey(`objects/${hash}`), Buffer.from(hash), {
      ifAbsent: true,
      metadata: { task: 'web' },
    });
}

async function keysIn(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix: '' })) keys.push(key);
  return keys;
}

function describeCommand(name: string, open: () => Promise<Place>): void {
  describe(`velocity cache on ${name}`, () => {
    let place: Place;
    before(async () => {
      place = await open();
    });
    after(() => place[Symbol.asyncDispose]());
    beforeEach(() => fill(place.store));

    test('ls lists what is there, a prefix of it, so many of it, and needs no token', async () => {
      const all = await cache(place.env, 'ls');
      assert.equal(all.exitCode, 0, all.stderr);
      assert.deepEqual(
        all.stdout
          .trim()
          .split('\n')
          .map((line) => line.split('\t').slice(0, 2)),
        HASHES.toSorted().map((hash) => [`objects/${hash}`, '64']),
      );
      const limited = await cache(place.env, 'ls', `objects/${FIRST.slice(0, 8)}`, '--json', '--limit', '1');
      const { key, size, stored } = JSON.parse(limited.stdout);
      assert.deepEqual([key, size], [`objects/${FIRST}`, 64]);
      assert.ok(Math.abs(Date.parse(stored) - Date.now()) < 3600_000);
    });

    test('show tells of one object, by its hash too, and of none that it is not there', async () => {
      const shown = await cache(place.env, 'show', FIRST);
      const { sha256, size, metadata } = JSON.parse(shown.stdout);
      assert.deepEqual([sha256, size, metadata], [digestOf(FIRST), 64, { task: 'web' }]);
      const none = await cache(place.env, 'show', digestOf('none'));
      assert.deepEqual([none.exitCode, none.stdout], [1, '']);
      assert.match(none.stderr, /nothing is stored under objects\//);
    });

    test('verify reads everything', async () => {
      const verified = await cache(place.env, 'verify');
      assert.deepEqual([verified.exitCode, verified.stdout], [0, '']);
      assert.match(verified.stderr, /^3 whole, 0 damaged, /);
    });

    test('prune tells what it would remove, and removes it', async () => {
      const dry = await cache(place.env, 'prune', '--max-entries', '1', '--dry-run');
      assert.match(dry.stderr, /^2 would be removed \(128 B\), 1 kept \(64 B\)/);
      assert.equal((await keysIn(place.store)).length, 3);
      const real = await cache(place.env, 'prune', '--max-entries', '1');
      assert.match(real.stderr, /^2 removed \(128 B\), 1 kept \(64 B\)/);
      assert.equal((await keysIn(place.store)).length, 1);
    });

    test('rm removes, and says what was not there', async () => {
      const removed = await cache(place.env, 'rm', FIRST, `objects/${digestOf('none')}`);
      assert.equal(removed.exitCode, 1);
      assert.equal(removed.stdout, `removed: objects/${FIRST}\n`);
      assert.match(removed.stderr, /nothing is stored under/);
      assert.equal((await keysIn(place.store)).includes(`objects/${FIRST}`), false);
    });
  });
}

describeCommand('a folder', onDisk);
describeCommand('azurite', async () => {
  const azurite = await Azurite.start();
  const { endpoint, account, key } = azurite;
  const container = await azurite.makeContainer();
  const credential = { kind: 'key', key: new StorageSharedKeyCredential(account, key) } as const;
  return {
    store: new AzureStore({ endpoint, container, credential }),
    env: {
      VC_STORAGE_DRIVER: 'azure',
      VC_AZURE_ENDPOINT: endpoint,
      VC_AZURE_ACCOUNT: account,
      VC_AZURE_KEY: key,
      VC_AZURE_CONTAINER: container,
    },
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  };
});

describe('velocity cache', () => {
  let empty: TempFolder;
  before(async () => {
    empty = await openTempFolder();
  });
  after(() => empty[Symbol.asyncDispose]());

  test('verify removes a damaged object, and in a dry run only tells of it', async () => {
    await using place = await onDisk();
    await fill(place.store);
    const file = join(place.root, 'store-v1', 'objects', `${FIRST}.blob`);
    const bytes = await readFile(file);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await writeFile(file, bytes);

    const dry = await cache(place.env, 'verify', '--dry-run');
    assert.deepEqual([dry.exitCode, dry.stdout], [1, `damaged: objects/${FIRST}\n`]);
    assert.equal((await keysIn(place.store)).length, 3);
    const real = await cache(place.env, 'verify', 'objects/');
    assert.deepEqual([real.exitCode, real.stdout], [1, `damaged, removed: objects/${FIRST}\n`]);
    assert.equal((await keysIn(place.store)).length, 2);
  });

  test('prune goes by the server’s own settings where no limit is given', async () => {
    await using place = await onDisk();
    await fill(place.store);
    const old = (Date.now() - 40 * 24 * 3600_000) / 1000;
    await utimes(join(place.root, 'store-v1', 'objects', `${FIRST}.blob`), old, old);
    const pruned = await cache({ ...place.env, VC_RETENTION_DAYS: '30' }, 'prune');
    assert.match(pruned.stdout, new RegExp(`^objects/${FIRST}\t64\t.*\tage\n$`));
    assert.equal((await keysIn(place.store)).length, 2);
  });

  for (const [what, args, env, words] of [
    ['a folder without a store', ['ls'], {}, /There is no store in .*Set VC_LOCAL_ROOT/],
    ['prune without a limit', ['prune'], { made: 'yes' }, /Nothing says what to keep: give --max-age/],
    [
      'a limit that is none',
      ['prune', '--max-size', 'big'],
      { made: 'yes' },
      /--max-size: expected a size such as 100GiB, found "big"/,
    ],
    ['a key that can be none', ['show', '../x'], { made: 'yes' }, /The key cannot be used/],
  ] as const)
    test(`${what} is told, with what to do`, async () => {
      if ('made' in env) await LocalStore.open({ root: empty.path });
      const { exitCode, stderr } = await cache(
        { VC_LOCAL_ROOT: 'made' in env ? empty.path : join(empty.path, 'none') },
        ...args,
      );
      assert.notEqual(exitCode, 0);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /a bug in/);
    });
});
