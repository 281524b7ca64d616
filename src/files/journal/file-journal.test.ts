import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { contentOf, draftOf, openJournal } from '../../../test/rig/opened-journal.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TinyDisk } from '../../../test/rig/tiny-disk.ts';
import type { FilePath } from '../file-path.ts';
import type { Journal } from './journal.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const UNAVAILABLE = { code: 'JOURNAL_UNAVAILABLE' };

const A = 'a' as FilePath;
const dayFile = (folder: string, day: string): string => join(folder, 'journal-v1', `${day}.jsonl`);
const ids = (journal: Journal): readonly number[] => journal.query({ limit: 1e6 }).map(({ id }) => id);

test('an entry has the next id, the next revision of its path and the time, and is written before it is given back', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  const { journal, clock } = opened;
  const before = contentOf('one');
  const draft = { ...draftOf('a', 'two'), before, by: 'token-1', reason: undefined };
  const first = await journal.append(draftOf('a', 'one'));
  clock.advance(5);
  const second = await journal.append(draft);
  assert.deepEqual(first, { id: 1, seq: 1, ts: clock.now() - 5, ...draftOf('a', 'one') });
  assert.deepEqual(second, { id: 2, seq: 2, ts: clock.now(), ...draftOf('a', 'two'), before, by: 'token-1' });
  const text = await readFile(dayFile(folder.path, '2026-01-01'), 'utf8');
  assert.deepEqual(
    text.split('\n').map((line) => line && JSON.parse(line.slice(9))),
    [first, second, ''],
  );
  assert.deepEqual(journal.head(A), second);
  assert.deepEqual(journal.stats(), {
    entries: 2,
    newestTs: clock.now(),
    bytes: text.length,
    prunedBefore: undefined,
    skippedLines: 0,
    isHealthy: true,
  });
});

test('entries of one path that are appended at once get successive revisions', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  const { journal } = opened;
  const several = journal.appendAll([draftOf('b', '1'), draftOf('a', '2'), draftOf('a', '3')]);
  const entries = await Promise.all([
    journal.append(draftOf('a', '1')),
    journal.append(draftOf('a')),
    journal.append(draftOf('a', '2')),
  ]);
  assert.deepEqual(
    (await several).map(({ id, seq }) => [id, seq]),
    [
      [1, 1],
      [2, 1],
      [3, 2],
    ],
  );
  assert.deepEqual(
    entries.map(({ id, seq }) => [id, seq]),
    [
      [4, 3],
      [5, 4],
      [6, 5],
    ],
  );
  assert.deepEqual(await journal.appendAll([]), []);
});

test('time does not go back with the clock, and a day’s file is chosen by it', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.UTC(2026, 0, 2));
  await using opened = await openJournal(folder.path, { clock });
  const first = await opened.journal.append(draftOf('a', '1'));
  clock.advance(-1);
  const second = await opened.journal.append(draftOf('b', '2'));
  clock.advance(DAY);
  await opened.journal.append(draftOf('a', '3'));
  clock.advance(1);
  await opened.journal.append(draftOf('a', '4'));
  assert.equal(second.ts, first.ts);
  assert.deepEqual(await readdir(join(folder.path, 'journal-v1')), ['2026-01-02.jsonl', '2026-01-03.jsonl']);
});

test('two entries of one path have two times, as its file has that of the one that made it', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  const times: number[] = [];
  for (const path of ['a', 'a', 'b', 'b', 'a', 'c'])
    times.push((await opened.journal.append(draftOf(path, path))).ts - opened.clock.now());
  assert.deepEqual(times, [0, 1, 1, 2, 2, 2]);
});

test('what nobody could read back is not journaled, nor anything that was to be with it', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  const bad = [draftOf('a', '1'), draftOf('../b', '2')];
  await assert.rejects(opened.journal.appendAll(bad), { code: 'INTERNAL' });
  assert.deepEqual(ids(opened.journal), []);
});

test('a moment and a revision say what a path was', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  const { journal, clock } = opened;
  const start = clock.now();
  for (let i = 0; i < 40; i++) {
    await journal.appendAll([draftOf('a', `${i}`), draftOf('b', `${i}`)]);
    if (i % 3 === 0) clock.advance(10);
  }
  const all = journal.history(A, { limit: 100 });
  assert.equal(all.length, 40);
  for (let ts = start - 5; ts < clock.now() + 20; ts += 5)
    assert.deepEqual(
      journal.at(A, ts),
      all.findLast((entry) => entry.ts <= ts),
      `${ts - start}`,
    );
  for (const entry of all) assert.deepEqual(journal.revision(A, entry.seq), entry);
  for (const seq of [0, 41, 1.5]) assert.equal(journal.revision(A, seq), undefined);
  assert.deepEqual(journal.history(A, { afterSeq: 10, limit: 5 }), all.slice(10, 15));
  const nowhere = 'c' as FilePath;
  assert.deepEqual(
    [journal.head(nowhere), journal.at(nowhere, clock.now()), journal.revision(nowhere, 1)],
    [undefined, undefined, undefined],
  );
});

for (const [what, remove] of Object.entries({
  'with its index': async () => {},
  'without it': (folder: string) => rm(join(folder, 'index-v1.sqlite')),
  'with an index that is damaged': (folder: string) => writeFile(join(folder, 'index-v1.sqlite'), 'index'),
}))
  test(`all is known when it is opened again ${what}`, async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const first = await openJournal(folder.path, { clock });
    for (let i = 0; i < 3000; i++) {
      void first.journal.append(draftOf(`folder-${i % 7}/${i % 300}`, `${i}`));
      if (i % 1000 === 0) {
        await first.journal.flush();
        clock.advance(DAY);
      }
    }
    await first.journal.flush();
    const [entries, stats] = [first.journal.query({ limit: 1e6 }), first.journal.stats()];
    await first.journal.close();
    await remove(folder.path);

    clock.advance(-5 * DAY);
    await using second = await openJournal(folder.path, { clock });
    assert.deepEqual(second.journal.query({ limit: 1e6 }), entries);
    assert.deepEqual(second.journal.stats(), stats);
    const next = await second.journal.append(draftOf('folder-0/0', 'next'));
    assert.deepEqual([next.id, next.seq], [3001, 3]);
    assert.ok(next.ts >= (stats.newestTs ?? Number.NaN));
  });

test('what the files have beyond the index is put in, and an index of other files is made anew', async () => {
  await using folder = await openTempFolder();
  const path = dayFile(folder.path, '2026-01-01');
  const first = await openJournal(folder.path);
  await first.journal.append(draftOf('a', '1'));
  const one = await readFile(path);
  await first.journal.append(draftOf('a', '2'));
  const two = await readFile(path);
  await first.journal.close();

  await truncate(path, one.length);
  const second = await openJournal(folder.path);
  assert.deepEqual(second.troubles, ['index-removed']);
  assert.deepEqual(ids(second.journal), [1]);
  await second.journal.close();

  await appendFile(path, two.subarray(one.length));
  const third = await openJournal(folder.path);
  assert.deepEqual([third.troubles, ids(third.journal)], [[], [1, 2]]);
  await third.journal.close();

  await writeFile(
    path,
    Buffer.concat([two.subarray(0, one.length), Buffer.alloc(two.length - one.length, 'x')]),
  );
  const fourth = await openJournal(folder.path);
  assert.deepEqual(
    fourth.journal.query({ limit: 10 }).map(({ op }) => op),
    ['write', 'gap'],
  );
  assert.ok(fourth.troubles.includes('index-removed'));
  await fourth.journal.close();
});

test('a line that was cut off is skipped, ended and told of by an entry', async () => {
  await using folder = await openTempFolder();
  const path = dayFile(folder.path, '2026-01-01');
  const first = await openJournal(folder.path);
  await first.journal.appendAll([draftOf('a', '1'), draftOf('a', '2')]);
  await first.journal.close();
  const text = await readFile(path, 'utf8');
  await truncate(path, text.length - 10);

  const second = await openJournal(folder.path);
  assert.deepEqual(second.troubles, ['index-removed', 'bad-lines', 'torn']);
  const [, gap] = second.journal.query({ limit: 10 });
  assert.deepEqual([gap?.op, gap?.path, gap?.id, typeof gap?.reason], ['gap', '', 2, 'string']);
  const next = await second.journal.append(draftOf('a', '3'));
  assert.deepEqual([next.id, next.seq], [3, 2]);
  assert.equal(second.journal.stats().skippedLines, 1);
  await second.journal.close();
  assert.equal((await readFile(path, 'utf8')).slice(0, text.length - 9), `${text.slice(0, -10)}\n`);

  await rm(join(folder.path, 'index-v1.sqlite'));
  await using third = await openJournal(folder.path);
  assert.deepEqual(third.troubles, ['bad-lines']);
  assert.deepEqual(ids(third.journal), [1, 2, 3]);
  assert.equal(third.journal.stats().skippedLines, 1);
});

test('an index that is found damaged while it is in use is made anew by the next append', async () => {
  await using folder = await openTempFolder();
  const first = await openJournal(folder.path);
  await first.journal.append(draftOf('a', '1'));
  await first.journal.close();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(folder.path, 'index-v1.sqlite'));
  database.exec("UPDATE entries SET line = 'x'");
  database.close();
  await using opened = await openJournal(folder.path);
  const { journal } = opened;
  assert.throws(() => journal.head(A), UNAVAILABLE);
  assert.equal(journal.stats().isHealthy, false);
  const entry = await journal.append(draftOf('a', '2'));
  assert.deepEqual([entry.id, entry.seq], [2, 2]);
  assert.equal(journal.history(A, { limit: 10 }).length, 2);
  assert.equal(journal.stats().isHealthy, true);
});

test('one process uses it at a time, and after it is closed it takes nothing', async () => {
  await using folder = await openTempFolder();
  const first = await openJournal(folder.path);
  await assert.rejects(openJournal(folder.path), UNAVAILABLE);
  const last = first.journal.append(draftOf('a', '1'));
  await first.journal.close();
  assert.equal((await last).id, 1);
  await first.journal.close();
  await assert.rejects(first.journal.append(draftOf('a', '2')), UNAVAILABLE);
  await using second = await openJournal(folder.path);
  assert.deepEqual(ids(second.journal), [1]);
});

test('on a full disk nothing is journaled, what was stays, and with room again it goes on', async (t) => {
  const disk = await TinyDisk.mount(4);
  if ('skip' in disk) return t.skip(disk.skip);
  await using _ = disk;
  const path = dayFile(disk.path, '2026-01-01');
  const opened = await openJournal(disk.path);
  const kept: number[] = [];
  const append = async (): Promise<boolean> => {
    const many = Array.from({ length: 20 }, (_, i) => ({
      ...draftOf(`${i}`, 'x'),
      reason: 'y'.repeat(1000),
    }));
    const entries = await opened.journal.appendAll(many).catch((error: { code: string }) => error.code);
    if (typeof entries === 'string') assert.equal(entries, 'JOURNAL_UNAVAILABLE');
    else kept.push(...entries.map(({ id }) => id));
    return typeof entries !== 'string';
  };
  while (await append());
  assert.equal(opened.journal.stats().isHealthy, false);
  await append();
  assert.deepEqual(ids(opened.journal), kept);
  assert.equal((await readFile(path, 'utf8')).at(-1), '\n');
  await disk.resize(16);
  assert.equal(await append(), true);
  await opened.journal.flush();
  assert.equal(opened.journal.stats().isHealthy, true);
  await opened.journal.close();
  await rm(join(disk.path, 'index-v1.sqlite'));
  const again = await openJournal(disk.path);
  assert.deepEqual([ids(again.journal), again.troubles], [kept, []]);
  await again.journal.close();
});
