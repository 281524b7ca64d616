import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ReadEntry } from './journal-reader.ts';
import { isThere } from './line.ts';

/** How much of a file the index knows. */
export interface FileProgress {
  /** Up to here it was read. */
  readonly bytes: number;
  readonly entries: number;
  readonly skippedLines: number;
  /** Where its last entry begins, in bytes, and that one’s id; 0: it has none. */
  readonly lastOffset: number;
  readonly lastId: number;
}

export const NO_PROGRESS: FileProgress = { bytes: 0, entries: 0, skippedLines: 0, lastOffset: 0, lastId: 0 };

/** What the index remembers of itself; 0: there was nothing yet. */
export interface IndexState {
  readonly lastId: number;
  readonly lastTs: number;
  readonly prunedBefore: number;
}

/** The tables of the index, row by row. */
export class IndexRows {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #saveFile: StatementSync;
  readonly #saveState: StatementSync;
  readonly #carried: StatementSync;
  readonly #sliceEnd: StatementSync;
  readonly #drop: StatementSync;

  constructor(database: DatabaseSync) {
    const isNewestThere = `is_there AND seq = (SELECT max(seq) FROM entries AS every WHERE every.path = entries.path)`;
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#saveFile = database.prepare('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)');
    this.#saveState = database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)');
    this.#carried = database.prepare(
      `SELECT line FROM entries WHERE id > ? AND id <= ? AND ${isNewestThere} ORDER BY id`,
    );
    this.#sliceEnd = database.prepare(
      'SELECT max(id) AS id FROM (SELECT id FROM entries WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)',
    );
    this.#drop = database.prepare(`DELETE FROM entries WHERE id > ? AND id <= ? AND NOT (${isNewestThere})`);
  }

  begin(): void {
    if (!this.#database.isTransaction) this.#database.exec('BEGIN');
  }

  commit(): void {
    if (this.#database.isTransaction) this.#database.exec('COMMIT');
  }

  rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  insert(entries: readonly ReadEntry[]): void {
    for (const { entry, line } of entries)
      this.#insert.run(entry.id, entry.path, entry.seq, entry.ts, entry.op, isThere(entry) ? 1 : 0, line);
  }

  files(): Map<string, FileProgress> {
    const rows = this.#database.prepare('SELECT * FROM files').all();
    return new Map(
      rows.map((row) => [
        String(row['day']),
        {
          bytes: Number(row['bytes']),
          entries: Number(row['entries']),
          skippedLines: Number(row['skipped']),
          lastOffset: Number(row['last_offset']),
          lastId: Number(row['last_id']),
        },
      ]),
    );
  }

  /** @param progress `undefined`: the file is gone */
  saveFile(day: string, progress: FileProgress | undefined): void {
    if (progress === undefined) this.#database.prepare('DELETE FROM files WHERE day = ?').run(day);
    else {
      const { bytes, entries, skippedLines, lastOffset, lastId } = progress;
      this.#saveFile.run(day, bytes, entries, skippedLines, lastOffset, lastId);
    }
  }

  state(): IndexState {
    const select = this.#database.prepare('SELECT value FROM state WHERE name = ?');
    const numberOf = (name: string): number => Number(select.get(name)?.['value'] ?? 0);
    return { lastId: numberOf('lastId'), lastTs: numberOf('lastTs'), prunedBefore: numberOf('prunedBefore') };
  }

  saveState(state: IndexState): void {
    for (const [name, value] of Object.entries(state)) this.#saveState.run(name, value);
  }

  /** The last id of the next few entries; `undefined`: there are no more. */
  sliceEnd(afterId: number, lastId: number, limit: number): number | undefined {
    const id = this.#sliceEnd.get(afterId, lastId, limit)?.['id'];
    return id === null || id === undefined ? undefined : Number(id);
  }

  /** The lines of those entries that are the newest of a path at which something is. */
  carried(afterId: number, lastId: number): readonly string[] {
    return this.#carried.all(afterId, lastId).map((row) => String(row['line']));
  }

  /** Removes those that are not. */
  drop(afterId: number, lastId: number): number {
    return Number(this.#drop.run(afterId, lastId).changes);
  }
}
