/** What `test/contracts/object-store.ts` cannot ask of every driver. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { until } from '../../../../test/rig/until.ts';
import { type ObjectKey, parseObjectKey } from '../../object-key.ts';
import { LOCAL_STORE_FOLDERS, LocalStore } from './local-store.ts';

test('a listing leaves files alone that the store never writes', async () => {
  await using folder = await openTempFolder();
  const damaged: ObjectKey[] = [];
  const store = await LocalStore.open({ root: folder.path, onDamaged: (key) => damaged.push(key) });
  await store.put(parseObjectKey('a'), Buffer.from('body'), { ifAbsent: true });
  const strangers = ['%ff.blob', '%61.blob', 'notes.txt'].map((name) => join(folder.path, 'store-v1', name));
  for (const path of strangers) await writeFile(path, 'not ours');

  const listed: ObjectKey[] = [];
  for await (const { key } of store.list({ prefix: '' })) listed.push(key);

  assert.deepEqual([listed, damaged], [['a'], []]);
  for (const path of strangers) assert.equal(await readFile(path, 'utf8'), 'not ours');
});

test('a long listing leaves others their turn', async () => {
  await using folder = await openTempFolder();
  const store = await LocalStore.open({ root: folder.path });
  for (let n = 0; n < 100; n++)
    await store.put(parseObjectKey(`objects/${n}`), Buffer.from('body'), { ifAbsent: true });
  const listed: ObjectKey[] = [];
  let turnAt = Number.POSITIVE_INFINITY;
  for await (const { key } of store.list({ prefix: '' })) {
    if (listed.push(key) === 1) {
      setImmediate(() => {
        turnAt = listed.length;
      });
    }
  }
  assert.equal(listed.length, 100);
  // Before the 64th at the latest: a disk that is slow gives others more turns.
  assert.ok(turnAt < 64, `after ${turnAt}`);
});

test('a damaged file is told of once, removed, and its key can be stored again with ifAbsent', async () => {
  await using folder = await openTempFolder();
  const damaged: ObjectKey[] = [];
  const store = await LocalStore.open({ root: folder.path, onDamaged: (key) => damaged.push(key) });
  const key = parseObjectKey('torn');
  await store.put(key, Buffer.from('first'), { ifAbsent: true });
  await writeFile(join(folder.path, 'store-v1', 'torn.blob'), 'torn');

  assert.equal(await store.put(key, Buffer.from('second'), { ifAbsent: true }), 'stored');

  assert.equal((await store.head(key))?.sizeBytes, 6);
  assert.deepEqual(damaged, [key]);
});

test('a failure is told in words and with the system’s code; the path is in its cause alone', async () => {
  await using folder = await openTempFolder();
  const store = await LocalStore.open({ root: folder.path });
  const objects = join(folder.path, 'store-v1');
  await rm(objects, { recursive: true });
  await writeFile(objects, 'where the objects were');
  const key = parseObjectKey('a');
  const calls = {
    read: () => store.head(key),
    store: () => store.put(key, Buffer.from('body'), { ifAbsent: true }),
  };
  for (const [doing, call] of Object.entries(calls)) {
    await assert.rejects(call(), (error: Error) => {
      assert.equal(String(error), `VelocityError: Could not ${doing} a: not a directory (ENOTDIR).`);
      assert.ok(String(error.cause).includes(objects), String(error.cause));
      return true;
    });
  }
});

test('a folder `tmp` below the root belongs to whoever made it, and what is in it stays', async () => {
  await using folder = await openTempFolder();
  const theirs = join(folder.path, 'tmp', 'thesis.txt');
  await mkdir(join(folder.path, 'tmp'));
  await writeFile(theirs, 'written long ago');
  await utimes(theirs, 1, 1);

  await LocalStore.open({ root: folder.path });

  assert.equal(await readFile(theirs, 'utf8'), 'written long ago');
});

test('below its root the store makes the folders it names, and no others', async () => {
  await using folder = await openTempFolder();
  const store = await LocalStore.open({ root: folder.path });
  await store.put(parseObjectKey('a/b'), Buffer.from('body'), { ifAbsent: true });
  assert.deepEqual((await readdir(folder.path)).sort(), [...LOCAL_STORE_FOLDERS].sort());
});

test('a use is told by the file’s time, at most once an hour, and when it was stored stays known', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.now());
  const store = await LocalStore.open({ root: folder.path, clock });
  const key = parseObjectKey('a');
  await store.put(key, Buffer.from('body'), { ifAbsent: true });
  const storedAt = clock.now();
  const usedAt = async (): Promise<number | undefined> => {
    for await (const listed of store.list({ prefix: '' })) return listed.usedAt;
    return undefined;
  };
  const first = await usedAt();
  clock.advance(1800_000);
  await store.head(key);
  assert.equal(await usedAt(), first);

  clock.advance(3600_000);
  await store.head(key);
  await until(async () => Math.abs(((await usedAt()) ?? 0) - clock.now()) < 2);
  assert.equal((await store.head(key))?.modifiedAt, storedAt);
});
