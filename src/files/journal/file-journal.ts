import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { VelocityError } from '../../base/errors.ts';
import { makeFolder } from '../../storage/drivers/local/make-folder.ts';
import { type FilePath, ROOT } from '../file-path.ts';
import { readCarried } from './carried-file.ts';
import { catchUp } from './catch-up.ts';
import { DayFiles, dayOf, endOf } from './day-files.ts';
import { GroupCommit } from './group-commit.ts';
import { CARRIED } from './index-progress.ts';
import type { HistoryPage, Journal, JournalQuery, JournalStats } from './journal.ts';
import { type JournalCalls, openJournalCalls } from './journal-calls.ts';
import type { EntryDraft, JournalEntry } from './journal-entry.ts';
import { JournalIndex } from './journal-index.ts';
import { asUnavailable, type OnJournalTrouble } from './journal-trouble.ts';
import { JournalWriter } from './journal-writer.ts';
import { checkedEntry, encodeLine, MAX_TS } from './line.ts';
import { pruneDays, removeDays } from './prune-days.ts';

const INDEX = 'index-v1.sqlite';

export interface FileJournalOptions {
  /** Made where it is not there. One process uses it at a time. */
  readonly folder: string;
  readonly clock: Clock;
  readonly onTrouble: OnJournalTrouble;
  /** The file system’s own without. */
  readonly calls?: JournalCalls;
}

/**
 * A journal in a folder: files of days (`journal-v1/`), the newest entries of paths whose days were pruned
 * (`carried-v1.jsonl`), and an index of them (`index-v1.sqlite`), which may be deleted while nobody uses it.
 * @throws VelocityError `JOURNAL_UNAVAILABLE` where another process uses it or it cannot be read
 */
export async function openFileJournal(options: FileJournalOptions): Promise<Journal> {
  try {
    return await FileJournal.open(options);
  } catch (error) {
    throw asUnavailable('cannot be opened', error);
  }
}

/** With the fields it has and no others; its id, revision and time are not its own yet. */
type CheckedDraft = JournalEntry;

interface Parts {
  readonly files: DayFiles;
  readonly index: JournalIndex;
  readonly writer: JournalWriter;
}

class FileJournal implements Journal {
  readonly #options: FileJournalOptions;
  readonly #files: DayFiles;
  readonly #index: JournalIndex;
  readonly #writer: JournalWriter;
  readonly #commits = new GroupCommit<CheckedDraft, JournalEntry>((drafts) => this.#commit(drafts));
  /** To be journaled before anything else. */
  #gap: CheckedDraft | undefined;
  /** No entry is older from here on; milliseconds since the epoch. */
  #leastTs = 0;
  #pruning: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: FileJournalOptions, { files, index, writer }: Parts) {
    this.#options = options;
    this.#files = files;
    this.#index = index;
    this.#writer = writer;
  }

  static async open(options: FileJournalOptions): Promise<FileJournal> {
    const { folder, clock, onTrouble } = options;
    await makeFolder(folder);
    const files = await DayFiles.open(folder);
    const calls = options.calls ?? (await openJournalCalls(folder, clock));
    // First, for its lock is that of all.
    const index = new JournalIndex({ path: join(folder, INDEX), clock, onTrouble });
    try {
      const writer = new JournalWriter(files, calls, clock, onTrouble);
      const journal = new FileJournal(options, { files, index, writer });
      await journal.#readFiles();
      const newest = (await files.list()).at(-1)?.day;
      if (newest === undefined) return journal;
      await writer.takeOver(newest);
      if (await files.endsTorn(newest)) await journal.#tellOfTorn(newest);
      return journal;
    } catch (error) {
      index.close();
      throw error;
    }
  }

  async append(draft: EntryDraft): Promise<JournalEntry> {
    const [entry] = await this.appendAll([draft]);
    if (entry === undefined) throw new VelocityError('INTERNAL', 'An entry was journaled and is not there.');
    return entry;
  }

  async appendAll(drafts: readonly EntryDraft[]): Promise<readonly JournalEntry[]> {
    if (this.#isClosed) throw new VelocityError('JOURNAL_UNAVAILABLE', 'The journal of files is closed.');
    return this.#commits.add(drafts.map(checkedDraft));
  }

  async flush(): Promise<void> {
    await this.#commits.settled();
    await this.#writer.flush();
  }

  head(path: FilePath): JournalEntry | undefined {
    return this.#index.ask((questions) => questions.head(path));
  }

  revision(path: FilePath, seq: number): JournalEntry | 'pruned' | undefined {
    return this.#index.ask((questions) => questions.revision(path, seq));
  }

  at(path: FilePath, ts: number): JournalEntry | 'pruned' | undefined {
    return this.#index.ask((questions) => questions.at(path, ts));
  }

  history(path: FilePath, page: HistoryPage): readonly JournalEntry[] {
    return this.#index.ask((questions) => questions.history(path, page));
  }

  query(query: JournalQuery): readonly JournalEntry[] {
    return this.#index.ask((questions) => questions.query(query, this.#index.progress.state.lastId));
  }

  stats(): JournalStats {
    let [entries, bytes, skippedLines] = [0, 0, 0];
    for (const [day, progress] of this.#index.progress.files) {
      entries += progress.entries;
      skippedLines += progress.skippedLines;
      if (day !== CARRIED) bytes += progress.bytes;
    }
    const { lastTs, prunedBefore } = this.#index.progress.state;
    return {
      entries,
      bytes,
      skippedLines,
      newestTs: entries === 0 ? undefined : lastTs,
      prunedBefore: prunedBefore === 0 ? undefined : prunedBefore,
      isHealthy: this.#writer.isHealthy && this.#index.isHealthy,
    };
  }

  pruneBefore(ts: number): Promise<void> {
    const pruned = this.#pruning
      .then(() => this.#prune(ts))
      .catch((error: unknown) => {
        throw asUnavailable('cannot be pruned', error);
      });
    this.#pruning = pruned.catch(() => {});
    return pruned;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#pruning;
    await this.#commits.settled();
    await this.#writer.close();
    this.#index.close();
  }

  /** One write. Ids and revisions are given here, so that none is given for what is not written. */
  async #commit(drafts: readonly CheckedDraft[]): Promise<readonly JournalEntry[]> {
    const all = this.#gap ? [this.#gap, ...drafts] : drafts;
    if (all.length === 0) return [];
    if (this.#index.isDamaged)
      await this.#readFiles().catch((error: unknown) => {
        throw asUnavailable('cannot be read', error);
      });
    this.#index.assertWritable();
    const { lastId, lastTs, prunedBefore } = this.#index.progress.state;
    let ts = Math.max(lastTs, this.#leastTs, prunedBefore, Math.trunc(this.#options.clock.now()));
    const seqs = new Map<FilePath, number>();
    for (const { path } of all) {
      if (seqs.has(path)) continue;
      const head = this.#index.ask((questions) => questions.headStamp(path));
      seqs.set(path, head.seq);
      // A file has the time of its entry: what came to one path after the other must not look the same.
      if (head.ts === lastTs && ts === lastTs) ts++;
    }
    const entries = all.map((draft, at) => {
      const seq = 1 + (seqs.get(draft.path) ?? 0);
      seqs.set(draft.path, seq);
      return stamped(draft, lastId + 1 + at, seq, ts);
    });
    const lines = entries.map(encodeLine);
    const day = dayOf(ts);
    let nextOffset = await this.#writer.write(day, Buffer.from(lines.join('')));
    const written = entries.map((entry, at) => {
      const line = lines[at] ?? '';
      const offset = nextOffset;
      nextOffset += Buffer.byteLength(line);
      return { entry, offset, line: line.slice(0, -1) };
    });
    this.#index.add(day, { entries: written, skippedLines: 0, nextOffset });
    const own = this.#gap ? entries.slice(1) : entries;
    this.#gap = undefined;
    return own;
  }

  /** Makes the index that of the files; where it turns out to be damaged on the way, once more from the beginning. */
  async #readFiles(): Promise<void> {
    const { onTrouble } = this.#options;
    const carried = await readCarried(this.#files.root);
    // Also those that a process pruned and was killed before it removed them.
    await removeDays(this.#files, carried?.head?.prunedBefore ?? 0, onTrouble);
    if (this.#index.isDamaged) this.#index.clear();
    try {
      await catchUp(this.#index, this.#files, onTrouble);
    } catch (error) {
      if (!this.#index.isDamaged) throw error;
      this.#index.clear();
      await catchUp(this.#index, this.#files, onTrouble);
    }
  }

  async #tellOfTorn(day: string): Promise<void> {
    this.#options.onTrouble('torn');
    const reason = `The journal of ${day} ends in the middle of a line: what was written last may be missing.`;
    this.#gap = checkedDraft({ op: 'gap', path: ROOT, reason });
    await this.#commits.add([]).catch(() => {}); // was told, and is tried again before anything else is journaled
  }

  async #prune(ts: number): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const today = dayOf(Math.max(clock.now(), this.#index.progress.state.lastTs));
    const last = (await this.#files.list()).findLast(({ day }) => endOf(day) <= ts && day < today);
    if (last === undefined) return;
    // Nothing more is written to the days that go, wherever the clock jumps.
    this.#leastTs = endOf(last.day);
    await this.#commits.settled();
    await pruneDays(this.#index, this.#files, last.day, onTrouble);
  }
}

/** @throws VelocityError `INTERNAL`: nobody could read it back */
function checkedDraft(draft: EntryDraft): CheckedDraft {
  const entry = checkedEntry({ ...draft, id: 1, seq: 1, ts: 0 });
  if (entry) return entry;
  throw new VelocityError('INTERNAL', `An entry "${draft.op}" is not one that the journal can hold.`);
}

/** @throws VelocityError `INTERNAL`: nobody could read it back */
function stamped(draft: CheckedDraft, id: number, seq: number, ts: number): JournalEntry {
  if (ts <= MAX_TS) return { ...draft, id, seq, ts };
  throw new VelocityError('INTERNAL', 'The clock is at a time that the journal cannot hold.');
}
