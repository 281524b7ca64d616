import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import {
  closeIndexDatabase,
  isDamage,
  makeIndexDatabase,
  openIndexDatabase,
  removeIndexDatabase,
} from './index-database.ts';
import { IndexProgress } from './index-progress.ts';
import { IndexQuestions } from './index-questions.ts';
import { type FileProgress, IndexRows } from './index-rows.ts';
import type { ReadEntry, ReadSlice } from './journal-reader.ts';
import { type OnJournalTrouble, unavailable } from './journal-trouble.ts';

const COMMIT_ENTRIES = 1000;
const COMMIT_AFTER_MS = 200;
/** Not committed, and held in memory until they are; with more nothing is journaled. */
const MOST_UNCOMMITTED = 20_000;
/** Looked at before others get their turn. */
const SLICE_ENTRIES = 2000;

export interface JournalIndexOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly onTrouble: OnJournalTrouble;
}

/** An open database with all that speaks to it. */
interface Opened {
  readonly database: DatabaseSync;
  readonly rows: IndexRows;
  readonly questions: IndexQuestions;
  readonly progress: IndexProgress;
}

/**
 * Answers questions about the journal. It is made of the files and can be made anew at any time: how far it has got in
 * each of them is committed with the entries, and what was lost with a commit is read from there again.
 */
export class JournalIndex {
  readonly #options: JournalIndexOptions;
  #opened: Opened;
  #uncommitted: ReadEntry[] = [];
  #cancelTimer: (() => void) | undefined;
  /** Why it has not what it should have. */
  #failure: unknown;
  #isDamaged = false;
  #isWhole = false;

  /** Not whole yet. @throws VelocityError `JOURNAL_UNAVAILABLE` */
  constructor(options: JournalIndexOptions) {
    this.#options = options;
    const database = openIndexDatabase(options.path, options.onTrouble);
    try {
      this.#opened = openedFrom(database);
    } catch (error) {
      options.onTrouble('index-removed', error);
      database.close();
      this.#opened = openedFrom(makeIndexDatabase(options.path));
    }
  }

  /** Forgets all, and is not whole until it has read the files. @throws VelocityError `JOURNAL_UNAVAILABLE` */
  clear(): void {
    this.#isWhole = false;
    const { database } = this.#opened;
    if (database.isOpen) database.close();
    this.#opened = openedFrom(makeIndexDatabase(this.#options.path));
    this.#uncommitted = [];
    this.#failure = undefined;
    this.#isDamaged = false;
  }

  /** All that the files have is in it. */
  declareWhole(): void {
    this.#isWhole = true;
  }

  get progress(): IndexProgress {
    return this.#opened.progress;
  }

  /** It is of no use any more until it is cleared. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  get isHealthy(): boolean {
    return this.#isWhole && this.#failure === undefined && this.#uncommitted.length < MOST_UNCOMMITTED;
  }

  /** @throws VelocityError `JOURNAL_UNAVAILABLE`: it has not all that was journaled, or cannot take any more */
  assertWritable(): void {
    if (this.#failure !== undefined) this.#restore();
    if (this.#uncommitted.length >= MOST_UNCOMMITTED) this.commit();
    if (this.#failure !== undefined || this.#uncommitted.length >= MOST_UNCOMMITTED)
      throw unavailable('has an index that cannot be written', this.#failure);
  }

  /** The next lines of a file. Does not throw: what cannot be put in is tried again, and `assertWritable` tells of it. */
  add(day: string, slice: ReadSlice): void {
    const entries = this.progress.read(day, slice);
    for (const entry of entries) this.#uncommitted.push(entry);
    this.#attempt(({ rows }) => {
      rows.begin();
      rows.insert(entries);
    });
    if (this.#uncommitted.length >= COMMIT_ENTRIES) this.commit();
    else this.#commitSoon();
  }

  /** What cannot be committed is kept, and tried again. */
  commit(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.progress.isSaved) return;
    this.#commitWith(() => {});
    if (!this.progress.isSaved) this.#commitSoon();
  }

  /** @throws VelocityError `JOURNAL_UNAVAILABLE` where it does not know the answer */
  ask<T>(question: (questions: IndexQuestions) => T): T {
    if (!this.#isWhole || this.#failure !== undefined)
      throw unavailable('has an index that is not whole', this.#failure);
    try {
      return question(this.#opened.questions);
    } catch (error) {
      if (isDamage(error)) this.#failed(error);
      throw unavailable('has an index that cannot be read', error);
    }
  }

  /** Of all entries up to an id the lines of those that are the newest of a path at which something is. */
  async *carried(lastId: number): AsyncGenerator<readonly string[]> {
    for await (const [from, to] of this.#slices(lastId)) yield this.#opened.rows.carried(from, to);
  }

  /** Drops the others up to an id, and the days they are from. Throws as `assertWritable` does. */
  async drop(
    lastId: number,
    days: readonly string[],
    prunedBefore: number,
    carried: FileProgress,
  ): Promise<void> {
    for await (const [from, to] of this.#slices(lastId))
      if (!this.#commitWith((rows) => rows.drop(from, to)))
        throw unavailable('has an index that cannot be written', this.#failure);
    this.progress.drop(days, prunedBefore, carried);
    this.commit();
  }

  close(): void {
    this.commit();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    try {
      if (this.#opened.database.isOpen) closeIndexDatabase(this.#opened.database);
    } catch (error) {
      this.#options.onTrouble('index-failed', error);
    }
  }

  async *#slices(lastId: number): AsyncGenerator<readonly [from: number, to: number]> {
    const opened = this.#opened;
    for (let from = 0; ; await nextTurn()) {
      // Once made anew it has not all of it, or has it otherwise.
      if (!this.#isWhole || this.#failure !== undefined || this.#opened !== opened)
        throw unavailable('has an index that is not whole', this.#failure);
      const to = opened.rows.sliceEnd(from, lastId, SLICE_ENTRIES);
      if (to === undefined) return;
      yield [from, to];
      from = to;
    }
  }

  #commitSoon(): void {
    this.#cancelTimer ??= this.#options.clock.after(COMMIT_AFTER_MS, () => this.commit());
  }

  /** Whether it is committed, with all that was not before. */
  #commitWith(work: (rows: IndexRows) => void): boolean {
    let isCommitted = false;
    this.#attempt(({ rows, progress }) => {
      rows.begin();
      work(rows);
      progress.save(rows);
      rows.commit();
      progress.saved();
      this.#uncommitted = [];
      isCommitted = true;
    });
    return isCommitted;
  }

  #attempt(work: (opened: Opened) => void): void {
    if (this.#failure !== undefined) return;
    try {
      work(this.#opened);
    } catch (error) {
      this.#failed(error);
      this.#restore();
    }
  }

  /** After a failure the transaction may be gone, with all that was in it. */
  #restore(): void {
    if (this.#isDamaged) return;
    const { rows } = this.#opened;
    try {
      rows.rollBack();
      rows.begin();
      rows.insert(this.#uncommitted);
      this.#failure = undefined;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#failure = error;
    this.#options.onTrouble('index-failed', error);
    if (!isDamage(error) || this.#isDamaged) return;
    this.#isDamaged = true;
    this.#opened.database.close();
    removeIndexDatabase(this.#options.path); // also for the next start
  }
}

function openedFrom(database: DatabaseSync): Opened {
  const rows = new IndexRows(database);
  return { database, rows, questions: new IndexQuestions(database), progress: new IndexProgress(rows) };
}
