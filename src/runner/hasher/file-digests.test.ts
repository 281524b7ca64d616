import assert from 'node:assert/strict';
import { mkdirSync, renameSync, statSync, symlinkSync, truncateSync, unlinkSync, utimesSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { until } from '../../../test/rig/until.ts';
import { type Digest, digestOf } from '../../base/digest.ts';
import { FileDigests, type FileRow } from './file-digests.ts';

/** Long after any file of a test was written. */
const LATER_MS = Date.now() + 3_600_000;
const FORGED = digestOf('forged') as Digest;

function folderOf(files: Files): Promise<TempWorkspace> {
  return TempWorkspace.open(files, { git: false });
}

/** The row of a file as it is now, with a digest that tells whether the row was believed. */
function forgedRow(folder: TempWorkspace, path: string): FileRow {
  const { size, mtimeMs, ctimeMs, ino } = statSync(folder.path(path));
  return [path, size, mtimeMs, ctimeMs, ino, '-', FORGED];
}

/** Waits until a file's last change is old enough to be trusted. */
async function settled(folder: TempWorkspace, path: string): Promise<void> {
  const { ctimeMs } = statSync(folder.path(path));
  await until(async () => Date.now() - ctimeMs > 60);
}

describe('factsOf', () => {
  test('content decides the digest', async () => {
    await using folder = await folderOf({ a: 'content', b: 'content', c: 'other' });
    const digests = new FileDigests(folder.root, []);
    assert.equal(digests.factsOf('a')?.digest, digestOf('content'));
    assert.equal(digests.factsOf('b')?.digest, digestOf('content'));
    assert.equal(digests.factsOf('c')?.digest, digestOf('other'));
  });

  test('an empty file has a digest too', async () => {
    await using folder = await folderOf({ empty: '' });
    assert.deepEqual(new FileDigests(folder.root, []).factsOf('empty'), { digest: digestOf(''), mode: '-' });
  });

  test('a file that is read in parts has the digest of its whole', async () => {
    const content = Buffer.alloc(2_500_000, 'velocity');
    await using folder = await folderOf({ large: content });
    assert.equal(new FileDigests(folder.root, []).factsOf('large')?.digest, digestOf(content));
  });

  test('of the mode only the executable bits count, whoever’s they are', async () => {
    await using folder = await folderOf({ a: '' });
    const modes = [0o644, 0o600, 0o755, 0o700, 0o645].map((mode) => {
      folder.chmod('a', mode);
      return new FileDigests(folder.root, []).factsOf('a')?.mode;
    });
    assert.deepEqual(modes, ['-', '-', 'x', 'x', 'x']);
  });

  test('a link counts by where it points, not by what is there', async () => {
    await using folder = await folderOf({ a: 'one' });
    symlinkSync('a', folder.path('link'));
    const before = new FileDigests(folder.root, []).factsOf('link');
    assert.deepEqual(before, { digest: digestOf('a'), mode: 'l' });
    folder.write({ a: 'two' });
    assert.deepEqual(new FileDigests(folder.root, []).factsOf('link'), before);
  });

  test('a link to nothing, and one to a folder, are links', async () => {
    await using folder = await folderOf({ 'folder/a': '' });
    symlinkSync('nowhere', folder.path('dangling'));
    symlinkSync('folder', folder.path('to-folder'));
    const digests = new FileDigests(folder.root, []);
    assert.deepEqual([digests.factsOf('dangling')?.mode, digests.factsOf('to-folder')?.mode], ['l', 'l']);
  });

  test('what is not there, or is a folder, has no facts', async () => {
    await using folder = await folderOf({ 'folder/a': '' });
    const digests = new FileDigests(folder.root, []);
    assert.deepEqual(
      ['gone', 'folder', 'folder/a/below'].map((path) => digests.factsOf(path)),
      [undefined, undefined, undefined],
    );
  });
});

describe('a file that looks unchanged', () => {
  test('it is not read again', async () => {
    await using folder = await folderOf({ a: 'content' });
    assert.equal(new FileDigests(folder.root, [forgedRow(folder, 'a')]).factsOf('a')?.digest, FORGED);
  });

  const changes: Readonly<Record<string, (folder: TempWorkspace) => void>> = {
    size: (folder) => truncateSync(folder.path('a'), 3),
    'time of change': (folder) => utimesSync(folder.path('a'), 1, 1),
    'mode, which moves the time of the inode': (folder) => folder.chmod('a', 0o755),
    'inode, as an editor leaves it that writes a new file': (folder) => {
      const { atimeMs, mtimeMs } = statSync(folder.path('a'));
      folder.write({ 'a.new': 'content' });
      utimesSync(folder.path('a.new'), atimeMs / 1000, mtimeMs / 1000);
      renameSync(folder.path('a.new'), folder.path('a'));
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`it is read again after a change of its ${what}`, async () => {
      await using folder = await folderOf({ a: 'content' });
      const row = forgedRow(folder, 'a');
      change(folder);
      assert.equal(new FileDigests(folder.root, [row]).factsOf('a')?.digest, digestOf(folder.read('a')));
    });
  }

  test('a link that took a file’s place is read again', async () => {
    await using folder = await folderOf({ a: 'content', b: 'content' });
    const row = forgedRow(folder, 'a');
    unlinkSync(folder.path('a'));
    symlinkSync('b', folder.path('a'));
    assert.deepEqual(new FileDigests(folder.root, [row]).factsOf('a'), { digest: digestOf('b'), mode: 'l' });
  });
});

describe('rowsToKeep', () => {
  test('the rows that were asked for let the next run read nothing', async () => {
    await using folder = await folderOf({ a: 'one', b: 'two' });
    await settled(folder, 'b');
    const first = new FileDigests(folder.root, []);
    const facts = ['a', 'b'].map((path) => first.factsOf(path));
    const second = new FileDigests(folder.root, first.rowsToKeep(LATER_MS) ?? []);
    assert.deepEqual(
      ['a', 'b'].map((path) => second.factsOf(path)),
      facts,
    );
    assert.equal(second.rowsToKeep(LATER_MS), undefined);
  });

  test('nothing is to be kept where nothing was asked for or changed', async () => {
    assert.equal(new FileDigests('/nowhere', []).rowsToKeep(LATER_MS), undefined);
  });

  test('rows of files that nobody asks for any more are dropped', async () => {
    await using folder = await folderOf({ a: 'one', b: 'two' });
    const digests = new FileDigests(folder.root, [forgedRow(folder, 'a'), forgedRow(folder, 'b')]);
    digests.factsOf('a');
    assert.deepEqual(
      digests.rowsToKeep(LATER_MS)?.map(([path]) => path),
      ['a'],
    );
  });

  test('the row of a file that was removed is dropped', async () => {
    await using folder = await folderOf({ a: 'one' });
    const digests = new FileDigests(folder.root, [forgedRow(folder, 'a')]);
    folder.remove('a');
    assert.equal(digests.factsOf('a'), undefined);
    assert.deepEqual(digests.rowsToKeep(LATER_MS), []);
  });

  test('a file that was written just before it was read is not believed to stay so, however late it is kept', async () => {
    await using folder = await folderOf({ a: 'one' });
    const digests = new FileDigests(folder.root, []);
    folder.write({ a: 'two' });
    digests.factsOf('a');
    assert.deepEqual(digests.rowsToKeep(LATER_MS), []);
  });

  test('a file from the future is not believed', async () => {
    await using folder = await folderOf({ a: 'one' });
    utimesSync(folder.path('a'), LATER_MS / 1000, LATER_MS / 1000);
    const digests = new FileDigests(folder.root, []);
    digests.factsOf('a');
    assert.deepEqual(digests.rowsToKeep(Date.now()), []);
  });

  test('a file that was racy is trusted once it was read again at rest', async () => {
    await using folder = await folderOf({ a: 'one' });
    const digests = new FileDigests(folder.root, []);
    digests.factsOf('a');
    utimesSync(folder.path('a'), 1, 1);
    await settled(folder, 'a');
    digests.factsOf('a');
    assert.deepEqual(
      digests.rowsToKeep(LATER_MS)?.map(([path]) => path),
      ['a'],
    );
  });
});

test('a folder in the place of a file it knew is none', async () => {
  await using folder = await folderOf({ a: 'one' });
  const row = forgedRow(folder, 'a');
  folder.remove('a');
  mkdirSync(folder.path('a'));
  assert.equal(new FileDigests(folder.root, [row]).factsOf('a'), undefined);
});
