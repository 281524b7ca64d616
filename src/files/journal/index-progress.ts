import { type FileProgress, type IndexRows, type IndexState, NO_PROGRESS } from './index-rows.ts';
import type { ReadEntry, ReadSlice } from './journal-reader.ts';

/** In place of a day: the file of what was carried over when days were pruned. */
export const CARRIED = '';

/** How far the index has got in each file, and which entry was the newest; saved with the rows it is true of. */
export class IndexProgress {
  readonly #files: Map<string, FileProgress>;
  readonly #changed = new Set<string>();
  #state: IndexState;

  constructor(rows: IndexRows) {
    this.#files = rows.files();
    this.#state = rows.state();
  }

  get files(): ReadonlyMap<string, FileProgress> {
    return this.#files;
  }

  get state(): IndexState {
    return this.#state;
  }

  get isSaved(): boolean {
    return this.#changed.size === 0;
  }

  /**
   * The entries of a file's next lines that are this journal's: their ids rise and their times do not fall. Others are
   * counted as skipped.
   */
  read(day: string, slice: ReadSlice): readonly ReadEntry[] {
    const before = this.#files.get(day) ?? NO_PROGRESS;
    const entries = slice.entries.filter(({ entry: { id, ts } }) => {
      if (id <= this.#state.lastId || ts < this.#state.lastTs) return false;
      this.#state = { ...this.#state, lastId: id, lastTs: ts };
      return true;
    });
    const last = entries.at(-1);
    const wrong = slice.entries.length - entries.length;
    this.#set(day, {
      bytes: slice.nextOffset,
      entries: before.entries + entries.length,
      skippedLines: before.skippedLines + slice.skippedLines + wrong,
      lastOffset: last?.offset ?? before.lastOffset,
      lastId: last?.entry.id ?? before.lastId,
    });
    return entries;
  }

  /** What was carried over is read. What it has may be older than the newest of what was pruned, whose id must not come again. */
  carry(pruned: IndexState, sizeBytes: number): void {
    const { lastId, lastTs } = this.#state;
    const before = this.#files.get(CARRIED) ?? NO_PROGRESS;
    this.#set(CARRIED, { ...before, bytes: sizeBytes, lastId: Math.max(lastId, pruned.lastId) });
    this.#state = {
      lastId: Math.max(lastId, pruned.lastId),
      lastTs: Math.max(lastTs, pruned.lastTs),
      prunedBefore: pruned.prunedBefore,
    };
  }

  /** Days are gone, and of their entries those that were carried over are left. */
  drop(days: readonly string[], prunedBefore: number, carried: FileProgress): void {
    for (const day of days) {
      this.#files.delete(day);
      this.#changed.add(day);
    }
    this.#set(CARRIED, carried);
    this.#state = { ...this.#state, prunedBefore };
  }

  /** To be followed by a commit, and that by `saved`. */
  save(rows: IndexRows): void {
    for (const day of this.#changed) rows.saveFile(day, this.#files.get(day));
    rows.saveState(this.#state);
  }

  saved(): void {
    this.#changed.clear();
  }

  #set(day: string, progress: FileProgress): void {
    this.#files.set(day, progress);
    this.#changed.add(day);
  }
}
