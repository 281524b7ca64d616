import type { FilePath } from '../file-path.ts';
import type { EntryDraft, JournalEntry, JournalOp } from './journal-entry.ts';

/** A part of a path's history: what comes after a revision, or after an entry by its id. */
export interface HistoryPage {
  readonly afterSeq?: number | undefined;
  readonly afterId?: number | undefined;
  readonly limit: number;
}

export interface JournalQuery {
  /** Of this path, and where it is a folder, of all that lies in it. */
  readonly path?: FilePath | undefined;
  readonly ops?: readonly JournalOp[] | undefined;
  /** Not older than this, in milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly afterId?: number | undefined;
  readonly limit: number;
}

export interface JournalStats {
  readonly entries: number;
  /** `undefined`: there is none. */
  readonly newestTs: number | undefined;
  /** Bytes of the daily files. */
  readonly bytes: number;
  /** Entries before this moment are not kept any longer; `undefined`: none was dropped yet. */
  readonly prunedBefore: number | undefined;
  /** Lines that were torn or damaged, and skipped. */
  readonly skippedLines: number;
  /** Whether the last write and the last sync went well. */
  readonly isHealthy: boolean;
}

/**
 * All that ever happened to the files, in order. Appending an entry is what makes a change one: it is written to a file
 * (not yet synced) before the promise resolves. The index that answers questions is made of those files, and can be made anew;
 * where it cannot be read, every question throws `JOURNAL_UNAVAILABLE`.
 */
export interface Journal {
  /** @throws VelocityError `JOURNAL_UNAVAILABLE`: it is not written down, so it must not be done */
  append(draft: EntryDraft): Promise<JournalEntry>;
  /** Several at once, in order, all or none. Throws as `append` does. */
  appendAll(drafts: readonly EntryDraft[]): Promise<readonly JournalEntry[]>;
  /** Resolves once all that was appended before is on the disk for good. @throws VelocityError `JOURNAL_UNAVAILABLE` */
  flush(): Promise<void>;

  /** The newest entry of a path. */
  head(path: FilePath): JournalEntry | undefined;
  /** `pruned`: there was one, and it is not kept any longer. */
  revision(path: FilePath, seq: number): JournalEntry | 'pruned' | undefined;
  /** The entry that says what the path was at a moment; `undefined`: there was nothing yet. */
  at(path: FilePath, ts: number): JournalEntry | 'pruned' | undefined;
  /** The entries of one path, oldest first. */
  history(path: FilePath, page: HistoryPage): readonly JournalEntry[];
  /** Oldest first. */
  query(query: JournalQuery): readonly JournalEntry[];
  stats(): JournalStats;

  /** Drops whole days of entries that are older than a moment. The newest entry of a path that is there stays known. */
  pruneBefore(ts: number): Promise<void>;
  close(): Promise<void>;
}
