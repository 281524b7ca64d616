/** What `test/contracts/object-store.ts` cannot ask of every driver. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
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
