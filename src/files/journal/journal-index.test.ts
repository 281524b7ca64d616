import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import type { FilePath } from '../file-path.ts';
import { removeIndexDatabase } from './index-database.ts';
import type { JournalOp } from './journal-entry.ts';
import { JournalIndex } from './journal-index.ts';
import type { ReadSlice } from './journal-reader.ts';
import { encodeLine, parseLine } from './line.ts';

const DAY = '2026-01-01';

function openIndex(folder: string) {
  const troubles: string[] = [];
  const clock = new ManualClock();
  const path = join(folder, 'index-v1.sqlite');
  const index = new JournalIndex({ path, clock, onTrouble: (kind) => troubles.push(kind) });
  index.declareWhole();
  return { index, clock, troubles, path };
}

/** Ids from `firstId` on, a millisecond apart, and the revision that follows in each path. */
function sliceOf(paths: readonly string[], firstId = 1, op: JournalOp = 'gap'): ReadSlice {
  const seqs = new Map<string, number>();
  const entries = paths.map((path, at) => {
    const seq = (seqs.get(path) ?? 0) + 1;
    seqs.set(path, seq);
    const line = encodeLine({ id: firstId + at, seq, ts: firstId + at, op, path }).slice(0, -1);
    const entry = parseLine(Buffer.from(line));
    assert.ok(entry);
    return { entry, line, offset: at };
  });
  return { entries, skippedLines: 0, nextOffset: firstId + paths.length };
}

function idsIn(index: JournalIndex, path: string, limit = 1000): readonly number[] {
  return index
    .ask((questions) => questions.query({ path: path as FilePath, limit }, 1e9))
    .map(({ id }) => id);
}

test('entries are seen at once, and committed after 1,000 of them or 200 ms', async () => {
  await using folder = await openTempFolder();
  const { index, clock, path } = openIndex(folder.path);
  const committed = (): unknown => {
    const size = readFileSync(`${path}-wal`).length;
    return size;
  };
  index.commit();
  const before = committed();
  index.add(DAY, sliceOf(['a', 'b']));
  assert.deepEqual(idsIn(index, 'a'), [1]);
  assert.equal(committed(), before);
  clock.advance(200);
  const after = committed();
  assert.notEqual(after, before);
  index.add(DAY, sliceOf(new Array(1000).fill('c'), 3));
  assert.notEqual(committed(), after);
  index.close();
});

test('a folder has what lies in it and nothing of its neighbours', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  const names = fc.constantFrom('a', 'b', 'a!', 'a0', 'a.', 'ab', 'ä', 'a%', 'A', '_');
  const path = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  let day = 0;
  fc.assert(
    fc.property(
      fc.array(path, { maxLength: 20 }),
      path,
      fc.integer({ min: 1, max: 20 }),
      (paths, in_, limit) => {
        index.clear();
        index.declareWhole();
        index.add(`${day++}`, sliceOf(paths));
        const expected = paths.flatMap((each, at) =>
          each === in_ || each.startsWith(`${in_}/`) ? at + 1 : [],
        );
        assert.deepEqual(idsIn(index, in_, limit), expected.slice(0, limit));
      },
    ),
  );
  index.close();
});

test('a folder of very many entries has them in order, near ones and far ones', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  const large = (from: number, op: JournalOp): ReadSlice =>
    sliceOf(
      new Array(6000).fill(0).map((_, i) => `${i % 2 ? 'a' : 'b'}/${i}`),
      from,
      op,
    );
  index.add(DAY, large(1, 'write'));
  index.add(DAY, large(6001, 'write'));
  index.add(DAY, large(50_001, 'delete'));
  const query = (query: object): readonly number[] =>
    index
      .ask((questions) => questions.query({ limit: 3, path: 'a' as FilePath, ...query }, 1e6))
      .map(({ id }) => id);
  assert.deepEqual(query({}), [2, 4, 6]);
  assert.deepEqual(query({ afterId: 11_996 }), [11_998, 12_000, 50_002]);
  assert.deepEqual(query({ ops: ['delete'] }), [50_002, 50_004, 50_006]);
  assert.deepEqual(query({ afterId: 55_998 }), [56_000]);
  assert.equal(query({ limit: 1e6 }).length, 9000);
  index.close();
});

test('a history goes on after a revision or after an id, whichever is later', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  index.add(DAY, sliceOf(['a', 'b', 'a', 'b', 'a', 'a'], 11)); // a: 11, 13, 15, 16
  const seqs = (page: object): readonly number[] =>
    index.ask((questions) => questions.history('a' as FilePath, { limit: 9, ...page })).map(({ seq }) => seq);
  assert.deepEqual(seqs({}), [1, 2, 3, 4]);
  assert.deepEqual(seqs({ afterSeq: 1, limit: 2 }), [2, 3]);
  for (const [afterId, first] of [
    [1, 1],
    [11, 2],
    [12, 2],
    [13, 3],
    [15, 4],
  ])
    assert.equal(seqs({ afterId })[0], first);
  for (const afterId of [16, 99]) assert.deepEqual(seqs({ afterId }), []);
  assert.deepEqual(seqs({ afterId: 11, afterSeq: 3 }), [4]);
  index.close();
});

test('a question narrows by operation, time and id together', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  index.add(DAY, sliceOf(['a/1', 'b/1', 'a/2'], 1, 'mkdir'));
  index.add(DAY, sliceOf(['a/3', 'b/2', 'a/4'], 4, 'delete'));
  index.add(DAY, sliceOf(['a/5'], 9, 'gap'));
  const query = (query: object): readonly number[] =>
    index.ask((questions) => questions.query({ limit: 10, ...query }, 9)).map(({ id }) => id);
  assert.deepEqual(query({}), [1, 2, 3, 4, 5, 6, 9]);
  assert.deepEqual(query({ limit: 2 }), [1, 2]);
  assert.deepEqual(query({ afterId: 6 }), [9]);
  for (const [since, first] of [
    [0, 1],
    [3, 3],
    [6, 6],
    [7, 9],
    [9, 9],
  ])
    assert.equal(query({ since })[0], first);
  assert.deepEqual(query({ since: 10 }), []);
  assert.deepEqual(query({ ops: ['gap', 'mkdir'] }), [1, 2, 3, 9]);
  assert.deepEqual(query({ ops: ['gap', 'mkdir'], limit: 3, afterId: 1 }), [2, 3, 9]);
  assert.deepEqual(query({ ops: [] }), []);
  assert.deepEqual(query({ path: 'a', ops: ['delete'], since: 5 }), [6]);
  assert.deepEqual(query({ path: 'a', afterId: 3 }), [4, 6, 9]);
  index.close();
});

test('an entry whose id or time is not above those before is none of this journal’s', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  index.add(DAY, sliceOf(['a', 'b'], 5));
  index.add(DAY, sliceOf(['c', 'd'], 6));
  assert.deepEqual(idsIn(index, ''), [5, 6, 7]);
  assert.equal(index.progress.files.get(DAY)?.skippedLines, 1);
  index.close();
});

test('it goes on where it was committed, with how far it has got', async () => {
  await using folder = await openTempFolder();
  const first = openIndex(folder.path);
  first.index.add(DAY, sliceOf(['a', 'b']));
  first.index.close();
  const second = openIndex(folder.path);
  assert.deepEqual(second.troubles, []);
  assert.deepEqual(second.index.progress.files.get(DAY), {
    bytes: 3,
    entries: 2,
    skippedLines: 0,
    lastOffset: 1,
    lastId: 2,
  });
  assert.deepEqual(idsIn(second.index, 'b'), [2]);
  second.index.close();
});

test('a file that is no database, and a foreign one, are removed and made anew', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'index-v1.sqlite');
  const foreign = (): void => {
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE entries (id); PRAGMA user_version = 1');
    database.close();
  };
  for (const put of [() => writeFileSync(path, 'x'.repeat(9000)), foreign]) {
    put();
    const { index, troubles } = openIndex(folder.path);
    assert.deepEqual(troubles, ['index-removed']);
    index.add(DAY, sliceOf(['a']));
    assert.deepEqual(idsIn(index, 'a'), [1]);
    index.close();
    removeIndexDatabase(path);
  }
});

test('one that was in use when the machine went down is not believed', async () => {
  await using folder = await openTempFolder();
  const first = openIndex(folder.path);
  first.index.add(DAY, sliceOf(['a']));
  first.index.close();
  const database = new DatabaseSync(first.path);
  database.exec("UPDATE state SET value = 1 WHERE name = 'isOpen'");
  database.exec("UPDATE state SET value = 'another' WHERE name = 'boot'");
  database.close();
  const second = openIndex(folder.path);
  assert.deepEqual(second.troubles, ['index-removed']);
  assert.equal(second.index.progress.files.size, 0);
  second.index.close();
});

test('nobody else may open it until it is closed', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  assert.throws(() => openIndex(folder.path), { code: 'JOURNAL_UNAVAILABLE', message: /Another process/ });
  index.add(DAY, sliceOf(['a']));
  index.close();
  openIndex(folder.path).index.close();
});

test('a question that cannot be answered spoils no other', async () => {
  await using folder = await openTempFolder();
  const { index } = openIndex(folder.path);
  index.add(DAY, sliceOf(['a']));
  assert.throws(() => idsIn(index, '', 1.5), { code: 'JOURNAL_UNAVAILABLE' });
  assert.deepEqual([idsIn(index, ''), index.isHealthy], [[1], true]);
  index.close();
});

test('a row that is not what was put in is given to nobody, and the index is of no use until it is cleared', async () => {
  await using folder = await openTempFolder();
  const first = openIndex(folder.path);
  first.index.add(DAY, sliceOf(['a', 'b']));
  first.index.close();
  const database = new DatabaseSync(first.path);
  database.exec("UPDATE entries SET line = replace(line, '\"seq\":1', '\"seq\":2') WHERE path = 'a'");
  database.close();
  const { index, troubles } = openIndex(folder.path);
  assert.deepEqual(idsIn(index, 'b'), [2]);
  assert.throws(() => idsIn(index, 'a'), { code: 'JOURNAL_UNAVAILABLE' });
  assert.throws(() => idsIn(index, 'b'), { code: 'JOURNAL_UNAVAILABLE' });
  assert.throws(() => index.assertWritable(), { code: 'JOURNAL_UNAVAILABLE' });
  assert.equal(index.isDamaged, true);
  assert.deepEqual(troubles, ['index-failed']);
  index.clear();
  index.declareWhole();
  assert.deepEqual(idsIn(index, ''), []);
  assert.equal(index.isHealthy, true);
  index.close();
});
