import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { OpenedTempFiles } from '../../test/rig/opened-files.ts';
import { digestOf } from '../base/digest.ts';
import type { FilePath } from './file-path.ts';

/** A write that had got so far: its bytes are in a temporary file, and perhaps it is written down. */
async function begin(
  opened: OpenedTempFiles,
  path: string,
  body: string,
  { isJournaled = true, onDisk = body } = {},
): Promise<void> {
  const temp = `elsewhere.1.0123456789ab.${path.replaceAll('/', '-')}`;
  await writeFile(opened.at(`.velocity/tmp/${temp}`), onDisk);
  const after = { sha256: digestOf(body), sizeBytes: Buffer.byteLength(body) };
  if (isJournaled) await opened.files.journal.append({ op: 'write', path: path as FilePath, after, temp });
}

test('a write that was written down is finished, with its time and its bytes for history', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('a/file', 'old');
  await begin(opened, 'a/file', 'new');
  await begin(opened, 'folder/that/was/removed', 'x');
  assert.deepEqual(await opened.read('a/file'), { text: 'old', etag: digestOf('old'), revision: 1 });
  await opened.restart();
  assert.deepEqual(opened.opened.left, { finished: 2, swept: 0 });
  assert.deepEqual(await opened.read('a/file'), { text: 'new', etag: digestOf('new'), revision: 2 });
  assert.equal(opened.onDisk('folder/that/was/removed'), 'x');
  assert.deepEqual(opened.temporary, []);
  await opened.put('a/file', 'newer');
  assert.deepEqual(opened.opsOf('a/file'), ['create', 'write', 'write']);
  const past = await opened.files.reader.openPast('a/file' as FilePath, { seq: 2 });
  assert.ok('facts' in past);
  past.close();
});

test('a body that was not written down is swept, and so is a folder that was being removed', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('a', 'old');
  await begin(opened, 'a', 'half a bo', { isJournaled: false });
  await mkdir(opened.at('.velocity/tmp/elsewhere.1.0123456789ab.7/with/more'), { recursive: true });
  await opened.restart();
  assert.deepEqual(opened.opened.left, { finished: 0, swept: 2 });
  assert.equal((await opened.read('a'))?.text, 'old');
  assert.deepEqual(opened.opsOf('a'), ['create']);
  assert.deepEqual(opened.temporary, []);
});

test('a write that something came after is not finished', async () => {
  await using opened = await OpenedTempFiles.open();
  await begin(opened, 'a', 'never answered');
  await opened.put('a', 'newer');
  await opened.restart();
  assert.deepEqual(opened.opened.left, { finished: 0, swept: 1 });
  assert.equal(opened.onDisk('a'), 'newer');
});

test('bytes that had not come to the disk before a power cut are not served', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('a', 'old');
  await begin(opened, 'a', 'new', { onDisk: '\0\0\0' });
  await begin(opened, 'b', 'new', { onDisk: 'ne' });
  await opened.restart();
  assert.deepEqual(opened.opened.left, { finished: 0, swept: 2 });
  assert.equal((await opened.read('a'))?.text, 'old');
  assert.equal(await opened.read('b'), undefined);
  assert.deepEqual(opened.opsOf('a'), ['create', 'write', 'gap']);
});

test('a file that is in its place already stays what it is', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('a', 'x');
  await opened.restart();
  assert.deepEqual(opened.opened.left, { finished: 0, swept: 0 });
  assert.deepEqual(await opened.read('a'), { text: 'x', etag: digestOf('x'), revision: 1 });
});

test('what cannot be finished does not keep the others, or the start, from going on', async () => {
  await using opened = await OpenedTempFiles.open();
  await begin(opened, 'folder', 'a folder is here now');
  await begin(opened, 'file/below', 'its folder is a file now');
  await begin(opened, 'well', 'x');
  await opened.restart(async () => {
    await rm(opened.at('file'), { recursive: true, force: true });
    await writeFile(opened.at('file'), 'in the way');
    await mkdir(opened.at('folder'));
  });
  assert.deepEqual(opened.opened.left, { finished: 1, swept: 2 });
  assert.equal(opened.onDisk('well'), 'x');
  assert.equal(opened.onDisk('file'), 'in the way');
  assert.deepEqual(opened.opsOf('folder'), ['write', 'gap']);
});

test('a deletion or a move that was written down and not done is what the disk says', async () => {
  await using opened = await OpenedTempFiles.open();
  const { journal } = opened.files;
  for (const path of ['deleted', 'moved']) await opened.put(path, path);
  await journal.append({ op: 'delete', path: 'deleted' as FilePath });
  await journal.appendAll([
    { op: 'moved_from', path: 'moved' as FilePath, other: 'there' as FilePath },
    {
      ...{ op: 'moved_to', path: 'there' as FilePath, other: 'moved' as FilePath },
      after: { sha256: digestOf('moved'), sizeBytes: 5 },
    },
  ]);
  await opened.restart();
  for (const path of ['deleted', 'moved'])
    assert.deepEqual(await opened.read(path), { text: path, etag: digestOf(path), revision: 1 });
  assert.equal(await opened.read('there'), undefined);
  await opened.put('there', 'new');
  await opened.put('deleted', 'new');
  assert.deepEqual(opened.opsOf('there'), ['moved_to', 'gap', 'create']);
  assert.deepEqual(opened.opsOf('deleted'), ['create', 'delete', 'gap', 'write']);
  assert.equal(existsSync(opened.at('moved')), true);
});
