import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { symlink, utimes } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { OpenedTempFiles } from '../../test/rig/opened-files.ts';
import type { FilePath } from './file-path.ts';
import { dryRun, type PruneOptions, pruneFiles } from './prune-files.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3600_000, 24 * 3600_000];

/** Files of 10 bytes, read so long ago. */
async function filesRead(agos: Readonly<Record<string, number>>): Promise<OpenedTempFiles> {
  const opened = await OpenedTempFiles.open();
  for (const [path, ago] of Object.entries(agos)) {
    const { ts } = await opened.put(path, '0123456789');
    await utimes(opened.at(path), (opened.clock.now() - ago) / 1000, ts / 1000);
  }
  return opened;
}

async function prune(opened: OpenedTempFiles, options: Omit<PruneOptions, 'now'>) {
  const removed: string[] = [];
  const onRemoved = (path: string): void => void removed.push(path);
  const pruned = await pruneFiles(opened.files, { ...options, now: opened.clock.now(), onRemoved });
  return { pruned, removed: removed.sort() };
}

describe('files that nobody has read for long', () => {
  test('go, and the journal says so; the others stay', async () => {
    await using opened = await filesRead({ old: 31 * DAY_MS, 'a/older': 40 * DAY_MS, 'a/new': 29 * DAY_MS });
    const { pruned, removed } = await prune(opened, { unreadMs: 30 * DAY_MS });
    assert.deepEqual(removed, ['a/older', 'old']);
    assert.deepEqual(pruned, { files: 2, bytes: 20, busy: 0, keptFiles: 1, keptBytes: 10 });
    assert.deepEqual(opened.opsOf('old'), ['create', 'prune']);
    assert.deepEqual(readdirSync(opened.at('a')), ['new']);
  });

  test('go below one folder alone, where one is named', async () => {
    await using opened = await filesRead({ 'a/x': DAY_MS, 'ab/x': DAY_MS, x: DAY_MS });
    const { removed } = await prune(opened, { unreadMs: HOUR_MS, path: 'a' as FilePath });
    assert.deepEqual(removed, ['a/x']);
  });

  test('stay where a time from the future says that they were read', async () => {
    await using opened = await filesRead({ future: -365 * DAY_MS });
    assert.deepEqual((await prune(opened, { unreadMs: HOUR_MS })).removed, []);
    await opened.read('future'); // its time is a true one from here on
    opened.clock.advance(2 * HOUR_MS);
    assert.deepEqual((await prune(opened, { unreadMs: HOUR_MS })).removed, ['future']);
  });

  test('stay once they are read', async () => {
    await using opened = await filesRead({ read: DAY_MS, unread: DAY_MS });
    await opened.read('read');
    assert.deepEqual((await prune(opened, { unreadMs: HOUR_MS })).removed, ['unread']);
  });
});

describe('files that are too much together', () => {
  test('go in the order they were read in, and no more of them than must', async () => {
    const agos = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, i * 2 * MINUTE_MS]));
    await using opened = await filesRead(agos);
    const { pruned } = await prune(opened, { maxBytes: 55 });
    assert.deepEqual(readdirSync(opened.root).sort(), ['.velocity', 'f0', 'f1', 'f2', 'f3', 'f4']);
    assert.deepEqual([pruned.files, pruned.keptBytes], [15, 50]);
  });

  test('go one by one where all were read in the same minute', async () => {
    const agos = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 0]));
    await using opened = await filesRead(agos);
    const { pruned } = await prune(opened, { maxBytes: 155 });
    assert.deepEqual([pruned.files, pruned.keptBytes], [5, 150]);
    assert.equal((await prune(opened, { maxBytes: 155 })).pruned.files, 0);
    assert.equal((await prune(opened, { maxBytes: 0 })).pruned.keptFiles, 0);
  });

  test('are those that are left once the unread ones are gone', async () => {
    await using opened = await filesRead({ old: 2 * DAY_MS, a: HOUR_MS, b: 2 * HOUR_MS });
    assert.deepEqual((await prune(opened, { unreadMs: DAY_MS, maxBytes: 20 })).removed, ['old']);
    assert.deepEqual((await prune(opened, { unreadMs: DAY_MS, maxBytes: 10 })).removed, ['b']);
  });
});

test('what is read or written in this moment is left alone, and counted', async () => {
  await using opened = await filesRead({ read: 2 * DAY_MS, idle: 2 * DAY_MS });
  const reading = await opened.files.reader.open('read' as FilePath);
  await utimes(opened.at('read'), 0, 0);
  const { pruned, removed } = await prune(opened, { unreadMs: DAY_MS });
  assert.deepEqual([removed, pruned.busy], [['idle'], 1]);
  assert.ok(reading && reading !== 'folder');
  reading.close();
  assert.deepEqual((await prune(opened, { unreadMs: DAY_MS })).removed, ['read']);
});

test('a file that was read or written since it was seen stays', async () => {
  await using opened = await filesRead({ a: DAY_MS });
  const isGone = await opened.files.removeUnused('a' as FilePath, ({ usedAt }) => usedAt === 1);
  assert.equal(isGone, false);
  assert.equal((await opened.read('a'))?.text, '0123456789');
});

test('a dry run says what would go and leaves it', async () => {
  await using opened = await filesRead({ old: 2 * DAY_MS, new: 0 });
  const { now } = { now: opened.clock.now() };
  const pruned = await pruneFiles(dryRun(opened.files.folder), { unreadMs: DAY_MS, now });
  assert.deepEqual(pruned, { files: 1, bytes: 10, busy: 0, keptFiles: 1, keptBytes: 10 });
  assert.deepEqual(opened.opsOf('old'), ['create']);
  assert.equal((await opened.read('old'))?.text, '0123456789');
});

test('links and what they lead to are left alone', async () => {
  await using opened = await filesRead({ 'a/old': 2 * DAY_MS });
  await symlink('a', opened.at('link'));
  const { removed } = await prune(opened, { unreadMs: DAY_MS, path: 'link' as FilePath });
  assert.deepEqual(removed, []);
  assert.deepEqual(readdirSync(opened.at('link')), ['old']);
});
