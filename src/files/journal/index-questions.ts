import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type FilePath, ROOT } from '../file-path.ts';
import { DamagedRow } from './index-database.ts';
import type { HistoryPage, JournalQuery } from './journal.ts';
import type { JournalEntry } from './journal-entry.ts';
import { parseLine } from './line.ts';

type Row = Record<string, unknown>;

/** Entries to put in order each time is more work from here on than to look at as many in their order. */
const LARGE_FOLDER = 5000;
/** Looked at in their order; walking to the end would take longer than to put all of a folder in order. */
const NEAR_IDS = 20_000;

const IN_FOLDER = `
  SELECT id, op FROM entries INDEXED BY by_path WHERE path = ?
  UNION ALL
  SELECT id, op FROM entries INDEXED BY by_path WHERE path >= ? AND path < ?`;

/**
 * What the index is asked. Each question is a walk along a part of an index, never over all there is. Times are found by
 * halving, as are ids: they never fall from one id, or one revision of a path, to the next.
 */
export class IndexQuestions {
  readonly #database: DatabaseSync;
  readonly #head: StatementSync;
  readonly #headStamp: StatementSync;
  readonly #oldest: StatementSync;
  readonly #revision: StatementSync;
  readonly #history: StatementSync;
  readonly #before: StatementSync;
  readonly #fromSeq: StatementSync;
  readonly #fromId: StatementSync;
  readonly #large: StatementSync;

  constructor(database: DatabaseSync) {
    const select = (rest: string): StatementSync => database.prepare(`SELECT ${rest}`);
    this.#database = database;
    this.#head = select('line FROM entries WHERE path = ? ORDER BY seq DESC LIMIT 1');
    this.#headStamp = select('seq, ts FROM entries WHERE path = ? ORDER BY seq DESC LIMIT 1');
    this.#oldest = select('seq FROM entries WHERE path = ? ORDER BY seq LIMIT 1');
    this.#revision = select('line FROM entries WHERE path = ? AND seq = ?');
    this.#history = select('line FROM entries WHERE path = ? AND seq > ? ORDER BY seq LIMIT ?');
    this.#before = select('line FROM entries WHERE path = ? AND seq < ? ORDER BY seq DESC LIMIT 1');
    this.#fromSeq = select('seq, ts, id FROM entries WHERE path = ? AND seq >= ? ORDER BY seq LIMIT 1');
    this.#large = select(`1 FROM (${IN_FOLDER}) LIMIT 1 OFFSET ?`);
    this.#fromId = select('id, ts FROM entries WHERE id >= ? ORDER BY id LIMIT 1');
  }

  head(path: FilePath): JournalEntry | undefined {
    return entryOf(this.#head.get(path));
  }

  /** Of the newest entry of a path its revision and time; zeros: there is none. */
  headStamp(path: FilePath): { readonly seq: number; readonly ts: number } {
    const row = this.#headStamp.get(path);
    return { seq: Number(row?.['seq'] ?? 0), ts: Number(row?.['ts'] ?? 0) };
  }

  revision(path: FilePath, seq: number): JournalEntry | 'pruned' | undefined {
    const entry = entryOf(this.#revision.get(path, seq));
    if (entry) return entry;
    return Number.isSafeInteger(seq) && seq >= 1 && seq < this.headStamp(path).seq ? 'pruned' : undefined;
  }

  at(path: FilePath, ts: number): JournalEntry | 'pruned' | undefined {
    const head = this.head(path);
    if (head === undefined || head.ts <= ts) return head;
    const entry = entryOf(this.#before.get(path, this.#firstSeq(path, head.seq, 'ts', ts + 1)));
    if (entry) return entry;
    return Number(this.#oldest.get(path)?.['seq']) > 1 ? 'pruned' : undefined;
  }

  history(path: FilePath, { afterSeq = 0, afterId = 0, limit }: HistoryPage): readonly JournalEntry[] {
    const isAfter =
      afterId === 0 ? 0 : this.#firstSeq(path, this.headStamp(path).seq + 1, 'id', afterId + 1) - 1;
    return entriesOf(this.#history.all(path, Math.max(afterSeq, isAfter), limit));
  }

  /** @param lastId the newest entry’s */
  query(
    { path = ROOT, ops, since, afterId = 0, limit }: JournalQuery,
    lastId: number,
  ): readonly JournalEntry[] {
    const fromId = Math.max(afterId + 1, since === undefined ? 0 : this.#firstIdSince(since, lastId));
    if (ops !== undefined && ops.length === 0) return [];
    if (path !== ROOT) return this.#queryFolder(path, ops, fromId, limit);
    if (ops === undefined)
      return this.#select('SELECT line FROM entries WHERE id >= ? ORDER BY id LIMIT ?', [fromId, limit]);
    // One walk for each operation: none has to sort more than its share.
    const found = [...new Set(ops)].flatMap((op) =>
      this.#select('SELECT line FROM entries WHERE op = ? AND id >= ? ORDER BY id LIMIT ?', [
        op,
        fromId,
        limit,
      ]),
    );
    return found.sort((a, b) => a.id - b.id).slice(0, limit);
  }

  /**
   * The path and all below it lie side by side in the index (`0` is the letter after `/`), but not in the order of ids. Of
   * a folder with very many entries the next few are likely to be near, and are looked for there first.
   */
  #queryFolder(
    path: FilePath,
    ops: JournalQuery['ops'],
    fromId: number,
    limit: number,
  ): readonly JournalEntry[] {
    const range = [path, `${path}/`, `${path}0`] as const;
    const among = ops ? `AND op IN (${ops.map(() => '?').join()})` : '';
    if (this.#large.get(...range, LARGE_FOLDER - 1)) {
      const near = `SELECT line FROM entries NOT INDEXED WHERE id >= ? AND id < ?
        AND (path = ? OR (path >= ? AND path < ?)) ${among} ORDER BY id LIMIT ?`;
      const found = this.#select(near, [fromId, fromId + NEAR_IDS, ...range, ...(ops ?? []), limit]);
      if (found.length === limit) return found;
    }
    const all = `SELECT line FROM entries WHERE id IN (
      SELECT id FROM (${IN_FOLDER}) WHERE id >= ? ${among} ORDER BY id LIMIT ?
    ) ORDER BY id`;
    return this.#select(all, [...range, fromId, ...(ops ?? []), limit]);
  }

  #select(sql: string, values: readonly SQLInputValue[]): readonly JournalEntry[] {
    return entriesOf(this.#database.prepare(sql).all(...values));
  }

  /** The least revision at or above which all have this time or id, or a later one. */
  #firstSeq(path: FilePath, end: number, what: 'ts' | 'id', value: number): number {
    return firstFrom(value, end, (seq) => {
      const row = this.#fromSeq.get(path, seq);
      return row && { at: Number(row['seq']), value: Number(row[what]) };
    });
  }

  #firstIdSince(ts: number, lastId: number): number {
    return firstFrom(ts, lastId + 1, (id) => {
      const row = this.#fromId.get(id);
      return row && { at: Number(row['id']), value: Number(row['ts']) };
    });
  }
}

/**
 * The least number at or above which all have `value` or more.
 * @param end no less than that number
 * @param from the first there is at a number or above it
 */
function firstFrom(
  value: number,
  end: number,
  from: (least: number) => { readonly at: number; readonly value: number } | undefined,
): number {
  let [low, high] = [1, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = from(middle);
    if (found === undefined || found.value >= value) high = middle;
    else low = found.at + 1;
  }
  return low;
}

function entryOf(row: Row | undefined): JournalEntry | undefined {
  if (row === undefined) return undefined;
  const entry = parseLine(Buffer.from(String(row['line'])));
  if (entry === undefined) throw new DamagedRow();
  return entry;
}

function entriesOf(rows: readonly Row[]): readonly JournalEntry[] {
  return rows.flatMap((row) => entryOf(row) ?? []);
}
