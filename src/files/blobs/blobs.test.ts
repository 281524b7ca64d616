import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, rm, rmdir, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OpenedBlobs } from '../../../test/rig/opened-blobs.ts';
import { TinyDisk } from '../../../test/rig/tiny-disk.ts';
import { digestOf } from '../../base/digest.ts';

describe('keep', () => {
  test('a blob is the file itself under a second name, until the file is replaced', async () => {
    await using opened = await OpenedBlobs.open();
    const old = await opened.put('file', 'old');
    assert.equal((await stat(opened.path('file'))).ino, (await stat(opened.blobPath(old))).ino);
    const now = await opened.put('file', 'new');
    assert.deepEqual([await opened.linksOf(old), await opened.linksOf(now)], [1, 2]);
    assert.deepEqual([await opened.read(old), await opened.read(now)], ['old', 'new']);
    assert.deepEqual([opened.troubles, opened.pool.asked, opened.temporary], [[], 0, []]);
  });

  test('the same bytes again: the blob is the newest file that has them', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('a', 'same');
    await opened.put('b', 'same');
    assert.equal((await stat(opened.path('b'))).ino, (await stat(opened.blobPath(digest))).ino);
    assert.equal((await stat(opened.path('a'))).nlink, 1);
    assert.equal(await opened.read(digest), 'same');
    assert.deepEqual([opened.troubles, opened.pool.asked, opened.temporary], [[], 0, []]);
  });

  test('the same file again is nothing new', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'same');
    assert.equal(await opened.blobs.keep(opened.path('file'), digest, 4), true);
    assert.equal(await opened.linksOf(digest), 2);
    assert.deepEqual(opened.temporary, []);
  });

  test('a damaged blob is replaced by a file that is right', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await writeFile(opened.path('file'), 'wrong');
    await opened.put('file', 'right');
    assert.equal(await opened.read(digest), 'right');
    assert.deepEqual(opened.troubles, []);
  });

  test('what is not there, no file or of another size is not kept, and that is counted', async () => {
    await using opened = await OpenedBlobs.open();
    await writeFile(opened.path('file'), 'text');
    await symlink('file', opened.path('link'));
    const digest = digestOf('text');
    for (const [name, size] of [
      ['gone', 4],
      ['file', 5],
      ['link', 4],
      ['.', 4],
    ] as const)
      assert.equal(await opened.blobs.keep(opened.path(name), digest, size), false, name);
    assert.deepEqual(opened.troubles, Array(4).fill('not-kept'));
    assert.equal(await opened.blobs.open(digest), undefined);
  });

  test('a blob’s folder or all folders that somebody removed are made anew', async () => {
    await using opened = await OpenedBlobs.open();
    await rm(join(opened.state, 'blobs-v1'), { recursive: true });
    await rmdir(join(opened.state, 'blobs-v1-tmp'));
    const digest = await opened.put('a', 'text');
    await opened.put('b', 'text');
    assert.equal(await opened.read(digest), 'text');
    assert.deepEqual(opened.troubles, []);
  });

  test('where no names can be given, as on another file system, the bytes are copied', async (t) => {
    await using opened = await OpenedBlobs.open();
    await using disk = await otherDisk(t);
    if (!disk) return;
    const digest = digestOf('text');
    await writeFile(join(disk.path, 'file'), 'text');
    assert.equal(await opened.blobs.keep(join(disk.path, 'file'), digest, 4), true);
    assert.equal(await opened.blobs.keep(join(disk.path, 'file'), digest, 4), true);
    assert.deepEqual([await opened.read(digest), await opened.linksOf(digest)], ['text', 1]);
    await truncate(opened.blobPath(digest), 2);
    assert.equal(await opened.blobs.keep(join(disk.path, 'file'), digest, 4), true);
    assert.equal(await opened.read(digest), 'text');
    assert.deepEqual([opened.troubles, opened.pool.asked, opened.temporary], [[], 0, []]);
  });
});

describe('open', () => {
  test('what is not there is not to be had, and no trouble', async () => {
    await using opened = await OpenedBlobs.open();
    assert.equal(await opened.blobs.open(digestOf('nothing')), undefined);
    assert.deepEqual(opened.troubles, []);
  });

  const edits: Readonly<Record<string, (path: string) => Promise<void>>> = {
    'edited in place': (path) => writeFile(path, 'wrong'),
    'cut in place': (path) => truncate(path, 2),
    'made longer in place': (path) => truncate(path, 9),
  };
  for (const [what, edit] of Object.entries(edits))
    test(`of a file that was ${what} it is damaged, removed and not given out`, async () => {
      await using opened = await OpenedBlobs.open();
      const digest = await opened.put('file', 'right');
      await opened.tick();
      await edit(opened.path('file'));
      assert.equal(await opened.read(digest), undefined);
      assert.deepEqual(opened.troubles, ['damaged']);
      assert.equal(await opened.read(digest), undefined);
      assert.deepEqual(opened.troubles, ['damaged']);
      assert.ok((await stat(opened.path('file'))).isFile());
    });

  test('one whose time alone changed is digested, found right, and not digested again', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await utimes(opened.path('file'), 1, 1);
    assert.deepEqual([await opened.read(digest), opened.pool.asked], ['right', 1]);
    assert.deepEqual([await opened.read(digest), opened.pool.asked], ['right', 1]);
  });

  test('one found right whose bytes change and whose size and time do not is seen', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await utimes(opened.path('file'), 1, 1);
    assert.equal(await opened.read(digest), 'right');
    await opened.tick();
    await writeFile(opened.path('file'), 'wrong');
    await utimes(opened.path('file'), 1, 1);
    assert.equal(await opened.read(digest), undefined);
    assert.deepEqual(opened.troubles, ['damaged']);
  });

  test('one that was touched just now is digested each time, until it is at rest', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    opened.clock.advance(-1000 - 60_000);
    await chmod(opened.path('file'), 0o600);
    await utimes(opened.path('file'), 1, 1);
    for (const asked of [1, 2])
      assert.deepEqual([await opened.read(digest), opened.pool.asked], ['right', asked]);
    opened.clock.advance(600_000);
    for (const asked of [3, 3])
      assert.deepEqual([await opened.read(digest), opened.pool.asked], ['right', asked]);
  });

  test('after a restart it is digested when it is opened first', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await opened.restart();
    for (let time = 0; time < 2; time++)
      assert.deepEqual([await opened.read(digest), opened.pool.asked], ['right', 1]);
  });

  test('what others could write to before it was kept is digested when it is opened first', async () => {
    await using opened = await OpenedBlobs.open();
    await writeFile(opened.path('file'), 'wrong');
    await opened.blobs.keep(opened.path('file'), digestOf('right'), 5, { isShared: true });
    assert.equal(await opened.read(digestOf('right')), undefined);
    assert.deepEqual(opened.troubles, ['damaged']);
  });

  test('many at once share one digest', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await opened.restart();
    const all = await Promise.all(Array.from({ length: 8 }, () => opened.read(digest)));
    assert.deepEqual(all, Array(8).fill('right'));
    assert.ok(opened.pool.asked < 8, `asked ${opened.pool.asked} times`);
  });

  test('what is written to while it is read is seen at its end', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await using blob = await opened.blobs.open(digest);
    assert.deepEqual([blob?.sizeBytes, await blob?.isUnchanged()], [5, true]);
    await opened.put('file', 'other');
    assert.equal(await blob?.isUnchanged(), true);
    await opened.tick();
    await writeFile(opened.blobPath(digest), 'wrong');
    assert.equal(await blob?.isUnchanged(), false);
  });

  test('a link or a folder in its place is not followed or given out', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await rm(opened.blobPath(digest));
    await symlink(opened.path('file'), opened.blobPath(digest));
    assert.equal(await opened.blobs.open(digest), undefined);
    await rm(opened.blobPath(digest));
    await mkdir(opened.blobPath(digest));
    assert.equal(await opened.blobs.open(digest), undefined);
    assert.equal(opened.troubles[0], 'read-failed');
  });

  test('where the threads are gone it is not to be had, and not removed', async () => {
    await using opened = await OpenedBlobs.open();
    const digest = await opened.put('file', 'right');
    await opened.restart();
    await opened.pool.close();
    assert.equal(await opened.blobs.open(digest), undefined);
    assert.deepEqual(opened.troubles, ['read-failed']);
    assert.equal(await opened.linksOf(digest), 2);
  });
});

describe('at its start', () => {
  test('what a process that died was putting there is removed', async () => {
    await using opened = await OpenedBlobs.open();
    const deadPid = spawnSync(process.execPath, ['--version']).pid;
    const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '_');
    await writeFile(join(opened.state, 'blobs-v1-tmp', `${host}.${deadPid}.aabbccddeeff.0`), 'half');
    await opened.restart();
    assert.deepEqual([opened.temporary, opened.troubles], [[], ['left-over']]);
  });

  test('a folder that cannot be used is trouble, and nothing is kept', async () => {
    await using opened = await OpenedBlobs.open();
    await rm(opened.state, { recursive: true });
    await writeFile(opened.state, 'a file');
    await opened.restart();
    await opened.put('file', 'text');
    assert.equal(await opened.blobs.open(digestOf('text')), undefined);
    assert.deepEqual(opened.troubles, ['read-failed', 'not-kept', 'read-failed']);
  });
});

/** `undefined`: there can be none here, which was said. */
async function otherDisk(t: { skip(why: string): void }): Promise<TinyDisk | undefined> {
  const disk = await TinyDisk.mount(4);
  if (disk instanceof TinyDisk) return disk;
  t.skip(disk.skip);
  return undefined;
}
