import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { draftOf, type OpenedJournal, openJournal } from '../../../test/rig/opened-journal.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import type { FilePath } from '../file-path.ts';
import type { JournalEntry } from './journal-entry.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 0, 1);

/** What was appended to a journal by days: each a list of `path`, or of `-path` for a removal. */
async function fill(opened: OpenedJournal, days: readonly (readonly string[])[]): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (const day of days) {
    for (const each of day) {
      const draft = each.startsWith('-') ? draftOf(each.slice(1)) : draftOf(each, each);
      entries.push(await opened.journal.append(draft));
      opened.clock.advance(1000);
    }
    opened.clock.advance(DAY - 1000 * day.length);
  }
  return entries;
}

async function reopen(folder: string, opened: OpenedJournal, withIndex: boolean): Promise<OpenedJournal> {
  await opened.journal.close();
  if (!withIndex) await rm(join(folder, 'index-v1.sqlite'));
  return openJournal(folder, { clock: opened.clock });
}

const daysIn = (folder: string): Promise<readonly string[]> => readdir(join(folder, 'journal-v1'));

for (const withIndex of [true, false])
  test(`of what was pruned the newest of each path that is there stays known, ${withIndex ? 'also' : 'without the index,'} when opened again`, async () => {
    await using folder = await openTempFolder();
    let opened = await openJournal(folder.path);
    const entries = await fill(opened, [['a', 'a', 'b', 'c', '-c', 'd'], ['d', 'b'], ['d', 'e'], ['e']]);
    const of = (path: string, seq: number) => entries.find((each) => each.path === path && each.seq === seq);
    await opened.journal.pruneBefore(START + 2.5 * DAY);
    for (let round = 0; round < 2; round++) {
      const { journal } = opened;
      assert.deepEqual(await daysIn(folder.path), ['2026-01-03.jsonl', '2026-01-04.jsonl']);
      const known = [of('a', 2), of('b', 2), of('d', 3), of('e', 1), of('e', 2)];
      assert.deepEqual(journal.query({ limit: 100 }), known);
      assert.equal(journal.stats().entries, 5);
      assert.equal(journal.stats().prunedBefore, START + 2 * DAY);
      const [a, c, d, e] = ['a', 'c', 'd', 'e'] as FilePath[] as [FilePath, FilePath, FilePath, FilePath];
      assert.deepEqual(journal.head(a), of('a', 2));
      assert.deepEqual([journal.revision(a, 1), journal.revision(a, 2)], ['pruned', of('a', 2)]);
      assert.deepEqual([journal.at(a, START), journal.at(a, START + 1500)], ['pruned', of('a', 2)]);
      assert.deepEqual(
        [journal.head(c), journal.revision(c, 1), journal.at(c, START + DAY)],
        [undefined, undefined, undefined],
      );
      assert.deepEqual([journal.revision(d, 2), journal.at(d, START + 1.5 * DAY)], ['pruned', 'pruned']);
      assert.deepEqual(journal.at(d, START + 2 * DAY), of('d', 3));
      assert.deepEqual(journal.at(e, START), undefined);
      opened = await reopen(folder.path, opened, withIndex);
      assert.deepEqual(opened.troubles, []);
    }
    const next = await opened.journal.append(draftOf('a', 'next'));
    assert.deepEqual([next.id, next.seq], [entries.length + 1, 3]);
    await opened.journal.close();
  });

test('today stays, and so does the day of the newest entry where the clock is behind it', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  await fill(opened, [['a'], ['a'], ['a']]);
  opened.clock.advance(-DAY);
  await opened.journal.pruneBefore(START + 100 * DAY);
  assert.deepEqual(await daysIn(folder.path), ['2026-01-03.jsonl']);
  await opened.journal.append(draftOf('a', '4'));
  assert.deepEqual(await daysIn(folder.path), ['2026-01-03.jsonl']);
});

test('a moment in the middle of the first day drops nothing', async () => {
  await using folder = await openTempFolder();
  await using opened = await openJournal(folder.path);
  await fill(opened, [['a', 'a'], ['a']]);
  await opened.journal.pruneBefore(START + DAY - 1);
  assert.deepEqual((await daysIn(folder.path)).length, 2);
  assert.equal(opened.journal.stats().prunedBefore, undefined);
});

test('ids and times go on where all entries are pruned', async () => {
  await using folder = await openTempFolder();
  const opened = await openJournal(folder.path);
  await fill(opened, [['a', '-a', 'b', '-b']]);
  opened.clock.advance(DAY);
  await opened.journal.pruneBefore(opened.clock.now());
  assert.deepEqual(await daysIn(folder.path), []);
  const { entries, newestTs, bytes } = opened.journal.stats();
  assert.deepEqual([entries, newestTs, bytes], [0, undefined, 0]);
  opened.clock.advance(-2.5 * DAY);
  const again = await reopen(folder.path, opened, false);
  const next = await again.journal.append(draftOf('c', '1'));
  assert.deepEqual([next.id, next.ts], [5, START + DAY], 'for the day of the last one is pruned');
  const more = await reopen(folder.path, again, true);
  assert.deepEqual(more.troubles, []);
  await more.journal.close();
});

test('days that a killed process had pruned and not removed yet go at the next start', async () => {
  await using folder = await openTempFolder();
  const opened = await openJournal(folder.path);
  await fill(opened, [['a', 'a', '-b'], ['a']]);
  await opened.journal.pruneBefore(START + DAY);
  const known = opened.journal.query({ limit: 10 });
  await writeFile(join(folder.path, 'journal-v1', '2026-01-01.jsonl'), 'what was there');
  const again = await reopen(folder.path, opened, true);
  assert.deepEqual(await daysIn(folder.path), ['2026-01-02.jsonl']);
  assert.deepEqual([again.journal.query({ limit: 10 }), again.troubles], [known, []]);
  await again.journal.close();
});

test('appends go on while it prunes, and none is lost', async () => {
  await using folder = await openTempFolder();
  const opened = await openJournal(folder.path);
  const { journal, clock } = opened;
  await journal.appendAll(Array.from({ length: 10_000 }, (_, i) => draftOf(`${i % 5000}`, `${i}`)));
  clock.advance(DAY);
  const pruned = journal.pruneBefore(clock.now());
  let isDone = false;
  void pruned.then(() => {
    isDone = true;
  });
  let appended = 0;
  for (; !isDone; appended++) await journal.append(draftOf(`${appended}`, 'new'));
  assert.ok(appended > 3, `${appended}`);
  await pruned;
  for (let round = 0; round < appended; round++)
    assert.equal(journal.head(`${round}` as FilePath)?.seq, round < 5000 ? 3 : 1);
  const heads = Array.from({ length: 5000 }, (_, i) => journal.head(`${i}` as FilePath));
  const again = await reopen(folder.path, opened, false);
  assert.deepEqual(
    heads.map((_, i) => again.journal.head(`${i}` as FilePath)),
    heads,
  );
  await again.journal.close();
});

test('whatever is appended and pruned, each path’s revisions rise by one while something is there, and nothing is told wrong', async () => {
  const names = fc.constantFrom('a', 'b', 'c', '-a', '-b', '-c');
  const step = fc.record({
    day: fc.array(names, { maxLength: 6 }),
    prune: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    reopen: fc.constantFrom(undefined, true, false),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
      await using folder = await openTempFolder();
      let opened = await openJournal(folder.path, { clock: new ManualClock(START) });
      let kept: JournalEntry[] = [];
      let prunedBefore: number | undefined;
      const heads = new Map<string, JournalEntry>();
      for (const { day, prune, reopen: withIndex } of steps) {
        for (const entry of await fill(opened, [day])) {
          kept.push(entry);
          const head = heads.get(entry.path);
          if (head?.after) assert.equal(entry.seq, head.seq + 1);
          heads.set(entry.path, entry);
        }
        if (prune !== undefined) await opened.journal.pruneBefore(opened.clock.now() - prune * DAY);
        if (withIndex !== undefined) opened = await reopen(folder.path, opened, withIndex);
        assert.deepEqual(opened.troubles, []);
        const { journal } = opened;
        const from = journal.stats().prunedBefore;
        if (from !== prunedBefore)
          kept = kept.filter(
            (each) => each.ts >= (from ?? 0) || (each.after && heads.get(each.path) === each),
          );
        prunedBefore = from;
        assert.deepEqual(journal.query({ limit: 1000 }), kept);
        assert.equal(journal.stats().entries, kept.length);
        for (const each of kept) {
          assert.deepEqual(journal.revision(each.path, each.seq), each);
          assert.deepEqual(journal.at(each.path, each.ts), each);
          assert.ok(each.seq === 1 || journal.revision(each.path, each.seq - 1) !== undefined);
        }
      }
      await opened.journal.close();
    }),
    { numRuns: 40 },
  );
});
