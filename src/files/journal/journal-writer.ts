import type { Clock } from '../../base/clock.ts';
import type { DayFiles } from './day-files.ts';
import type { JournalCalls, OpenedFile } from './journal-calls.ts';
import { type OnJournalTrouble, unavailable } from './journal-trouble.ts';

/** Between a write and the sync that nobody asked for: what a power cut may cost. */
const SYNC_AFTER_MS = 1000;
const NEWLINE = Buffer.from('\n');

interface WrittenFile extends Pick<OpenedFile, 'file'> {
  readonly day: string;
  readonly path: string;
  /** Of whole lines; what lies beyond is left of a write that failed. */
  sizeBytes: number;
  endsTorn: boolean;
  hasLeftOver: boolean;
  /** Since it was made nobody synced the folder. */
  isNew: boolean;
  isDirty: boolean;
  /** On the disk for good. */
  syncedBytes: number;
  /** A sync failed since. */
  isDoubtful: boolean;
}

/**
 * Appends to the file of a day, one write after the other. A line that was begun by a write that failed is cut off before
 * the next one, so what was refused is not found later and spoils nothing.
 */
export class JournalWriter {
  readonly #files: DayFiles;
  readonly #calls: JournalCalls;
  readonly #clock: Clock;
  readonly #onTrouble: OnJournalTrouble;
  #current: WrittenFile | undefined;
  /** Of earlier days, until they are synced. */
  #earlier: WrittenFile[] = [];
  #sync: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #writeFailed = false;
  #syncFailed = false;

  constructor(files: DayFiles, calls: JournalCalls, clock: Clock, onTrouble: OnJournalTrouble) {
    this.#files = files;
    this.#calls = calls;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  /** Whether the last write and the last sync went well. */
  get isHealthy(): boolean {
    return !this.#writeFailed && !this.#syncFailed;
  }

  /** What an earlier process wrote to a day last may not be synced yet: the next flush sees to it. */
  async takeOver(day: string): Promise<void> {
    await this.#fileOf(day).catch((error: unknown) => this.#onTrouble('write-failed', error));
  }

  /**
   * Lines, all or none of them. Not before the last call has settled.
   * @returns where in the file they begin, in bytes
   * @throws VelocityError `JOURNAL_UNAVAILABLE`
   */
  async write(day: string, lines: Buffer): Promise<number> {
    try {
      await this.#takeBack();
      const current = await this.#fileOf(day);
      const offset = await this.#append(current, lines);
      this.#writeFailed = false;
      this.#syncSoon();
      return offset;
    } catch (error) {
      this.#writeFailed = true;
      this.#onTrouble('write-failed', error);
      throw unavailable('cannot be written', error);
    }
  }

  /**
   * Resolves when all that was written before is on the disk for good. Who calls while a sync is under way waits for the
   * one after it, together with all others.
   * @throws VelocityError `JOURNAL_UNAVAILABLE`
   */
  flush(): Promise<void> {
    this.#nextSync ??= this.#sync
      .catch(() => {})
      .then(() => {
        this.#nextSync = undefined;
        this.#sync = this.#syncAll();
        return this.#sync;
      });
    return this.#nextSync;
  }

  /** Flushes first. What cannot be synced now was told, and is left to the system. */
  async close(): Promise<void> {
    await this.#takeBack().catch(() => {});
    await this.flush().catch(() => {});
    this.#cancelTimer?.();
    for (const { file } of this.#written()) await this.#calls.close(file).catch(() => {});
    this.#current = undefined;
    this.#earlier = [];
  }

  async #fileOf(day: string): Promise<WrittenFile> {
    if (this.#current?.day === day) return this.#current;
    const path = this.#files.pathOf(day);
    const opened = await this.#calls.open(path);
    if (this.#current) this.#earlier.push(this.#current);
    const { sizeBytes } = opened;
    const unsure = { hasLeftOver: false, isNew: sizeBytes === 0, isDirty: sizeBytes > 0, isDoubtful: false };
    this.#current = { ...opened, ...unsure, day, path, syncedBytes: sizeBytes };
    return this.#current;
  }

  /** Else it would be found among the entries one day, before others of the same ids. */
  async #takeBack(): Promise<void> {
    if (!this.#current?.hasLeftOver) return;
    await this.#calls.truncate(this.#current.file, this.#current.sizeBytes);
    this.#current.hasLeftOver = false;
  }

  async #append(to: WrittenFile, lines: Buffer): Promise<number> {
    to.hasLeftOver = true;
    const begin = to.endsTorn ? NEWLINE.length : 0;
    try {
      await this.#calls.append(to.file, to.endsTorn ? Buffer.concat([NEWLINE, lines]) : lines);
    } catch (error) {
      // At once, for the process may be gone before the next write; what fails here is tried again then.
      await this.#takeBack().catch(() => {});
      throw error;
    }
    const offset = to.sizeBytes + begin;
    Object.assign(to, { hasLeftOver: false, endsTorn: false, isDirty: true });
    to.sizeBytes = offset + lines.length;
    return offset;
  }

  #syncSoon(): void {
    this.#cancelTimer ??= this.#clock.after(SYNC_AFTER_MS, () => {
      this.#cancelTimer = undefined;
      this.flush().catch(() => {}); // was told
    });
  }

  async #syncAll(): Promise<void> {
    try {
      for (const written of this.#written()) await this.#syncOne(written);
      this.#syncFailed = false;
    } catch (error) {
      this.#syncFailed = true;
      this.#onTrouble('sync-failed', error);
      this.#syncSoon();
      throw unavailable('cannot be synced', error);
    }
    const done = this.#earlier.filter(({ isDirty }) => !isDirty);
    this.#earlier = this.#earlier.filter(({ isDirty }) => isDirty);
    for (const { file } of done) await this.#calls.close(file).catch(() => {});
  }

  async #syncOne(written: WrittenFile): Promise<void> {
    if (!written.isDirty) return;
    const { path, file, syncedBytes, sizeBytes, isDoubtful } = written;
    written.isDirty = false; // what is written from here on is left to the next sync
    try {
      if (isDoubtful) await this.#calls.rewrite(path, syncedBytes, sizeBytes);
      await this.#calls.sync(file);
      if (written.isNew) await this.#syncFolders();
    } catch (error) {
      Object.assign(written, { isDirty: true, isDoubtful: true });
      throw error;
    }
    Object.assign(written, { isNew: false, isDoubtful: false, syncedBytes: sizeBytes });
  }

  /** With the one above, in which the folder of the days may have been made just now. */
  async #syncFolders(): Promise<void> {
    await this.#calls.syncFolder(this.#files.folder);
    await this.#calls.syncFolder(this.#files.root);
  }

  #written(): readonly WrittenFile[] {
    return this.#current ? [...this.#earlier, this.#current] : this.#earlier;
  }
}
