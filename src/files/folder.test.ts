import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { lstat, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { closeFile } from '../storage/drivers/local/descriptor.ts';
import { type FilePath, ROOT } from './file-path.ts';
import { Folder } from './folder.ts';

interface Opened extends AsyncDisposable {
  readonly folder: Folder;
  readonly outside: string;
}

/** With a folder, links out and in, and beside the root a folder that begins as it does. */
async function openFolder(): Promise<Opened> {
  const temp = await openTempFolder();
  const [root, outside] = [join(temp.path, 'root'), join(temp.path, 'root-beside')];
  const folder = await Folder.open(root, new ManualClock());
  await mkdir(join(root, 'real/below'), { recursive: true });
  await mkdir(outside);
  for (const file of [join(outside, 'secret'), join(root, 'real/file')]) await writeFile(file, 'text');
  await symlink('real', join(root, 'in'));
  await symlink(outside, join(root, 'out'));
  await symlink(join(outside, 'secret'), join(root, 'out-file'));
  await symlink('.velocity', join(root, 'state'));
  await symlink('nothing', join(root, 'dangling'));
  return { folder, outside, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

async function kindAt(folder: Folder, path: string): Promise<string | undefined> {
  const opened = await folder.open(path as FilePath);
  if (opened === undefined || opened === 'folder') return opened;
  closeFile(opened.descriptor);
  return opened.kind;
}

async function namesIn(folder: Folder, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of folder.list(path as FilePath)) names.push(name);
  return names.sort();
}

describe('reading', () => {
  test('follows links that lead inside, and no others', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    assert.equal(await kindAt(folder, 'real/file'), 'file');
    assert.equal(await kindAt(folder, 'in/file'), 'file');
    assert.equal(await kindAt(folder, 'in'), 'folder');
    assert.deepEqual(await namesIn(folder, 'in'), ['below', 'file']);
    for (const path of [
      'out',
      'out/secret',
      'out-file',
      'state',
      'state/lock',
      'dangling',
      'real/file/x',
      'nothing',
    ]) {
      assert.equal(await kindAt(folder, path), undefined, path);
      assert.deepEqual(await namesIn(folder, path), [], path);
      assert.equal(await folder.targetOf(path as FilePath), undefined, path);
    }
    assert.equal(await folder.targetOf('in' as FilePath), 'real');
  });

  test('of a folder shows all but the state, and walks through no link', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    assert.deepEqual(await namesIn(folder, ROOT), ['dangling', 'in', 'out', 'out-file', 'real', 'state']);
    const walked: string[] = [];
    for await (const { path } of folder.walk(ROOT)) walked.push(path);
    assert.deepEqual(walked.sort(), [
      'dangling',
      'in',
      'out',
      'out-file',
      'real',
      'real/below',
      'real/file',
      'state',
    ]);
  });

  test('does not wait for the other end of a pipe, nor opens what is no file', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    await promisify(execFile)('mkfifo', [folder.pathOf('pipe' as FilePath)]);
    assert.equal(await kindAt(folder, 'pipe'), undefined);
    assert.equal((await folder.look('pipe' as FilePath))?.kind, 'other');
  });

  test('looks at a link for itself, and at nothing through one', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    assert.equal((await folder.look('out-file' as FilePath))?.kind, 'link');
    assert.equal((await folder.look(ROOT))?.kind, 'folder');
    for (const path of ['in/file', 'out/secret', 'state/lock'])
      assert.equal(await folder.look(path as FilePath), undefined, path);
  });
});

describe('writing', () => {
  test('makes folders where there are none, and none through a link or below a file', async () => {
    await using opened = await openFolder();
    const { folder, outside } = opened;
    await folder.makeParents('new/and/more/file' as FilePath);
    assert.equal((await folder.look('new/and/more' as FilePath))?.kind, 'folder');
    for (const path of ['in/new', 'out/new', 'state/new', 'dangling/new', 'real/file/new', 'out-file/new']) {
      await assert.rejects(folder.makeFolder(path as FilePath), { code: 'PATH_CONFLICT' }, path);
      await assert.rejects(folder.makeParents(`${path}/file` as FilePath), { code: 'PATH_CONFLICT' }, path);
    }
    assert.equal(await folder.makeFolder('new' as FilePath), false);
    assert.deepEqual(readdirSync(outside), ['secret']);
    assert.deepEqual(readdirSync(join(folder.root, 'real')).sort(), ['below', 'file']);
  });

  test('puts a file where a file or a link was, and says what is in the way', async () => {
    await using opened = await openFolder();
    const { folder, outside } = opened;
    const place = async (path: string): Promise<void> => {
      const temp = folder.temp.next();
      await writeFile(temp, 'new');
      await folder.place(temp, path as FilePath);
    };
    await place('real/file');
    await place('out-file');
    assert.equal((await lstat(join(folder.root, 'out-file'))).isFile(), true);
    assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'text');
    for (const path of ['real', 'real/below', 'real/file/below'])
      await assert.rejects(place(path), { code: 'PATH_CONFLICT' }, path);
  });

  test('makes a folder again that somebody has removed since it was made', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    const temp = folder.temp.next();
    await writeFile(temp, 'new');
    await folder.place(temp, 'cleared/up/file' as FilePath);
    assert.equal(readFileSync(join(folder.root, 'cleared/up/file'), 'utf8'), 'new');
  });

  test('copies what was opened, and not what is at its path by now', async () => {
    await using opened = await openFolder();
    const { folder } = opened;
    const path = 'real/file' as FilePath;
    const file = await folder.open(path);
    assert.ok(file && file !== 'folder');
    await rename(join(folder.root, 'out-file'), folder.pathOf(path));
    const copy = folder.temp.next();
    await folder.copyTo(copy, file, path);
    closeFile(file.descriptor);
    assert.equal((await lstat(copy)).isFile(), true);
    assert.equal(readFileSync(copy, 'utf8'), 'text');
  });
});

test('a root that is a link is what it leads to', async () => {
  await using temp = await openTempFolder();
  await mkdir(join(temp.path, 'real'));
  await symlink('real', join(temp.path, 'link'));
  const folder = await Folder.open(join(temp.path, 'link'), new ManualClock());
  assert.equal(folder.root, join(temp.path, 'real'));
  await writeFile(join(temp.path, 'real', 'file'), 'x');
  assert.equal(await kindAt(folder, 'file'), 'file');
});
