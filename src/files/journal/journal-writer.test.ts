import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { DayFiles } from './day-files.ts';
import { type JournalCalls, openJournalCalls } from './journal-calls.ts';
import { JournalWriter } from './journal-writer.ts';

const DAY = '2026-01-01';
const FULL = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

/** A writer whose disk refuses what the test says, and tells what it was asked. */
async function openWriter(t: TestContext) {
  const folder = await openTempFolder();
  t.after(() => folder[Symbol.asyncDispose]());
  const clock = new ManualClock();
  const files = await DayFiles.open(folder.path);
  const real = await openJournalCalls(folder.path, clock);
  const asked: string[] = [];
  const refused = new Set<keyof JournalCalls>();
  const troubles: string[] = [];
  const ask = (name: keyof JournalCalls): void => {
    asked.push(name);
    if (refused.has(name)) throw FULL;
  };
  const calls: JournalCalls = {
    ...real,
    async append(file, bytes) {
      asked.push('append');
      if (refused.has('append')) {
        await real.append(file, bytes.subarray(0, bytes.length / 2));
        throw FULL;
      }
      await real.append(file, bytes);
    },
    async truncate(file, sizeBytes) {
      ask('truncate');
      await real.truncate(file, sizeBytes);
    },
    async sync(file) {
      ask('sync');
      await real.sync(file);
    },
    async syncFolder(path) {
      ask('syncFolder');
      await real.syncFolder(path);
    },
    async rewrite(path, from, to) {
      ask('rewrite');
      asked.push(`${from}-${to}`);
      await real.rewrite(path, from, to);
    },
  };
  const writer = new JournalWriter(files, calls, clock, (kind) => troubles.push(kind));
  t.after(() => writer.close());
  const write = (text: string, day = DAY) => writer.write(day, Buffer.from(text));
  const text = (day = DAY) => readFile(files.pathOf(day), 'utf8');
  return { writer, write, text, files, clock, asked, refused, troubles };
}

const UNAVAILABLE = { code: 'JOURNAL_UNAVAILABLE' };

test('lines go to the file of their day, and it says where', async (t) => {
  const { write, text } = await openWriter(t);
  assert.equal(await write('one\n'), 0);
  assert.equal(await write('two\nthree\n'), 4);
  assert.equal(await write('four\n', '2026-01-02'), 0);
  assert.equal(await text(), 'one\ntwo\nthree\n');
  assert.equal(await text('2026-01-02'), 'four\n');
});

test('a file that ends in the middle of a line has it ended first', async (t) => {
  const { write, text, files } = await openWriter(t);
  await writeFile(files.pathOf(DAY), 'one\ntw');
  assert.equal(await write('three\n'), 7);
  assert.equal(await write('four\n'), 13);
  assert.equal(await text(), 'one\ntw\nthree\nfour\n');
});

test('half of a write that fails is taken back at once, and it is healthy when one succeeds', async (t) => {
  const { writer, write, text, refused, troubles } = await openWriter(t);
  await write('one\n');
  refused.add('append');
  await assert.rejects(write('two and more\n'), UNAVAILABLE);
  assert.equal(await text(), 'one\n');
  assert.equal(writer.isHealthy, false);
  refused.clear();
  assert.equal(await write('three\n'), 4);
  assert.equal(await text(), 'one\nthree\n');
  assert.equal(writer.isHealthy, true);
  assert.deepEqual(troubles, ['write-failed']);
});

test('what cannot be taken back at once is before anything else is written', async (t) => {
  const { write, text, refused } = await openWriter(t);
  await write('one\n');
  refused.add('append').add('truncate');
  await assert.rejects(write('two and more\n'), UNAVAILABLE);
  refused.delete('append');
  await assert.rejects(write('three\n'), UNAVAILABLE, 'for it cannot be taken back still');
  assert.equal(await text(), 'one\ntwo an');
  refused.clear();
  assert.equal(await write('four\n'), 4);
  assert.equal(await text(), 'one\nfour\n');
});

test('it is taken back before the next day begins', async (t) => {
  const { write, text, refused } = await openWriter(t);
  await write('one\n');
  refused.add('append').add('truncate');
  await assert.rejects(write('two and more\n'), UNAVAILABLE);
  refused.delete('append');
  await assert.rejects(write('three\n', '2026-01-02'), UNAVAILABLE);
  refused.clear();
  await write('four\n', '2026-01-02');
  assert.deepEqual([await text(), await text('2026-01-02')], ['one\n', 'four\n']);
});

test('the first write of a file that ends torn may fail, and the next ends the line still', async (t) => {
  const { write, text, files, refused } = await openWriter(t);
  await writeFile(files.pathOf(DAY), 'on');
  refused.add('append');
  await assert.rejects(write('two\n'), UNAVAILABLE);
  refused.clear();
  await write('three\n');
  assert.equal(await text(), 'on\nthree\n');
});

test('a flush syncs what was written, and the folders where a file was made', async (t) => {
  const { writer, write, asked } = await openWriter(t);
  await writer.flush();
  assert.deepEqual(asked, [], 'there is nothing');
  await write('one\n');
  await writer.flush();
  assert.deepEqual(asked.splice(0), ['append', 'sync', 'syncFolder', 'syncFolder']);
  await write('two\n');
  await writer.flush();
  await writer.flush();
  assert.deepEqual(asked, ['append', 'sync']);
});

test('what an earlier process wrote is synced by the first flush', async (t) => {
  const { writer, files, asked } = await openWriter(t);
  await writeFile(files.pathOf(DAY), 'one\n');
  await writer.takeOver(DAY);
  await writer.flush();
  await writer.flush();
  assert.deepEqual(asked, ['sync']);
});

test('a flush covers the file of the day before', async (t) => {
  const { writer, write, asked, refused } = await openWriter(t);
  await write('one\n');
  await write('two\n', '2026-01-02');
  refused.add('sync');
  await assert.rejects(writer.flush(), UNAVAILABLE);
  refused.clear();
  await writer.flush();
  assert.equal(asked.filter((call) => call === 'sync').length, 3);
});

test('who flushes while a sync is under way waits for one that began after', async (t) => {
  const { writer, write, asked } = await openWriter(t);
  await write('one\n');
  const first = writer.flush();
  await Promise.resolve();
  await Promise.resolve();
  await write('two\n');
  await Promise.all([first, writer.flush(), writer.flush()]);
  assert.equal(asked.filter((call) => call === 'sync').length, 2);
});

test('a second after a write it is synced without anybody asking, once for all writes', async (t) => {
  const { writer, write, asked, clock } = await openWriter(t);
  await write('one\n');
  await write('two\n');
  clock.advance(999);
  assert.ok(!asked.includes('sync'));
  clock.advance(1);
  await writer.flush();
  assert.equal(asked.filter((call) => call === 'sync').length, 1);
});

test('a sync that fails is told, is tried again, and what it covered is written once more', async (t) => {
  const { writer, write, text, asked, refused, clock, troubles } = await openWriter(t);
  await write('one\n');
  await writer.flush();
  await write('two\n');
  refused.add('sync');
  await assert.rejects(writer.flush(), UNAVAILABLE);
  assert.equal(writer.isHealthy, false);
  await write('three\n');
  assert.equal(writer.isHealthy, false, 'that a write succeeds says nothing of it');
  refused.clear();
  asked.splice(0);
  clock.advance(1000);
  await writer.flush();
  assert.deepEqual(asked, ['rewrite', '4-14', 'sync']);
  assert.equal(writer.isHealthy, true);
  assert.equal(await text(), 'one\ntwo\nthree\n');
  assert.deepEqual(troubles, ['sync-failed']);
});
