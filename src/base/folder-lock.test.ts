import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { FolderLock } from './folder-lock.ts';
import { formatIdentity, thisProcess } from './process-identity.ts';

const OWN = formatIdentity(thisProcess());

describe('FolderLock', () => {
  test('is held by one at a time', async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'lock');
    const lock = await FolderLock.take(path, 'the cache folder');
    await assert.rejects(FolderLock.take(path, 'the cache folder'), { code: 'STORAGE_UNAVAILABLE' });
    await lock.release();
    assert.deepEqual(readdirSync(folder.path), []);
    await (await FolderLock.take(path, 'the cache folder')).release();
  });

  const abandoned: Record<string, (path: string) => void> = {
    'of a process that is gone': (path) =>
      symlinkSync(formatIdentity({ ...thisProcess(), pid: 2 ** 31 - 1 }), path),
    'of an earlier process with this one’s number': (path) =>
      symlinkSync(formatIdentity({ ...thisProcess(), began: '1' }), path),
    'of another machine, or of this container before it was made anew': (path) =>
      symlinkSync(formatIdentity({ ...thisProcess(), host: 'elsewhere' }), path),
    'that names nobody': (path) => symlinkSync('nobody', path),
    'that is a file': (path) => writeFileSync(path, ''),
    'that is a folder with something in it': (path) => mkdirSync(join(path, 'x'), { recursive: true }),
  };
  for (const [which, leave] of Object.entries(abandoned))
    test(`one ${which} is taken over`, async () => {
      await using folder = await openTempFolder();
      const path = join(folder.path, 'lock');
      leave(path);
      await FolderLock.take(path, 'the cache folder');
      assert.equal(readlinkSync(path), OWN);
      assert.deepEqual(readdirSync(folder.path), ['lock']);
    });

  test('one that was taken over by another is not released', async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'lock');
    const lock = await FolderLock.take(path, 'the cache folder');
    await lock.release();
    symlinkSync('another.1.2', path);
    await lock.release();
    assert.equal(readlinkSync(path), 'another.1.2');
  });

  test('where none can be made nobody is kept out', async () => {
    await (await FolderLock.take('/proc/self/lock', 'the cache folder')).release();
  });
});
