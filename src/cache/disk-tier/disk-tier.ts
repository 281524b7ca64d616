import type { Clock } from '../../base/clock.ts';
import { FolderLock } from '../../base/folder-lock.ts';
import { isDamage } from '../../storage/body.ts';
import { identityOf } from '../../storage/drivers/local/descriptor.ts';
import { toFailure } from '../../storage/drivers/local/local-failure.ts';
import { withFolder } from '../../storage/drivers/local/make-folder.ts';
import type { Eviction } from '../eviction/eviction.ts';
import { AccessTimes } from './access-times.ts';
import { blockCount } from './block-checksums.ts';
import { CheckedBody } from './checked-body.ts';
import { DiskEntries, type EvictionReason } from './disk-entries.ts';
import type { DiskEntry } from './disk-entry.ts';
import { DiskReading } from './disk-reading.ts';
import type { DiskTroubleKind, OnDiskTrouble } from './disk-trouble.ts';
import { DiskWriting, type WritingPlace } from './disk-writing.ts';
import { EntryFiles } from './entry-files.ts';
import type { EntryLayout } from './entry-layout.ts';
import { decodeRecord, MAX_RECORD_BYTES, RecordDraft } from './entry-record.ts';
import { loadEntries } from './load-entries.ts';
import { SharedFile } from './shared-file.ts';
import { RecentChecks } from './trusted-blocks.ts';

export interface DiskTierOptions<M> {
  /** For this tier alone; made where it is missing. */
  readonly folder: string;
  /** Without it, the tier's own. */
  readonly layout?: EntryLayout | undefined;
  /** Of bodies and their records, and of what is being written. */
  readonly maxBytes: number;
  readonly maxEntries?: number | undefined;
  /** Since an entry was stored, in milliseconds: then it is a miss, and is removed when it is asked for or at a cleanup. */
  readonly maxAgeMs?: number | undefined;
  /** In milliseconds; 0: none. */
  readonly cleanupIntervalMs: number;
  /** Statistics of use are written down at most this often, in milliseconds, all at once; 0: with each use. */
  readonly accessUpdateIntervalMs: number;
  /** For this tier alone. Its keys are names of entries. */
  readonly eviction: Eviction;
  readonly clock: Clock;
  /** `undefined`: this is nothing that was stored as metadata. */
  readonly parseMeta: (raw: unknown) => M | undefined;
  readonly onTrouble?: OnDiskTrouble | undefined;
  /** Told of each entry that is there at the start; some of them may be evicted before it is over. */
  readonly onFound?: ((key: string, meta: M, sizeBytes: number) => void) | undefined;
  /** Room was made, or an entry's time was over; `bytes` are those of body and record. */
  readonly onEvict?: ((reason: EvictionReason, bytes: number) => void) | undefined;
}

/** Why an entry is no reading. */
interface Refused {
  readonly trouble: 'corrupt-metadata' | 'damaged' | 'read-failed';
  readonly error?: unknown;
}

/** How often an entry is looked at anew that is replaced each time while it is being opened. */
const LOOKS = 4;

/**
 * Bodies on a local disk by key, with metadata of the caller's; all may be forgotten at any time. Whatever is wrong with
 * the disk, or with what lies on it, is a miss and counted: no call fails for it but a stream that has begun.
 *
 * One process uses a folder: a second one of this machine is refused. Where nobody can tell, as from another container,
 * two may share one; each finds an entry whole or not at all, but each counts the limits for itself. What was removed
 * while somebody reads it takes its room until that reading ends, and is not counted.
 */
export class DiskTier<M> {
  readonly #options: DiskTierOptions<M>;
  readonly #files: EntryFiles;
  readonly #lock: FolderLock;
  readonly #entries: DiskEntries;
  readonly #accessTimes: AccessTimes;
  readonly #onTrouble: OnDiskTrouble;
  /** `undefined`: a file system where others may write unseen. */
  readonly #checks: RecentChecks | undefined;
  readonly #writings = new Set<DiskWriting>();
  #cancelCleanup: () => void = () => {};
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(options: DiskTierOptions<M>, files: EntryFiles, lock: FolderLock) {
    this.#options = options;
    this.#files = files;
    this.#lock = lock;
    const { eviction, clock, maxBytes, onTrouble = () => {}, onEvict = () => {} } = options;
    const { maxEntries = Number.POSITIVE_INFINITY, maxAgeMs = Number.POSITIVE_INFINITY } = options;
    this.#onTrouble = onTrouble;
    const limits = { maxBytes, maxEntries, maxAgeMs };
    this.#entries = new DiskEntries({ files, eviction, clock, ...limits, onTrouble, onEvict });
    this.#checks = files.isLocal ? new RecentChecks(clock) : undefined;
    this.#accessTimes = new AccessTimes({
      intervalMs: options.accessUpdateIntervalMs,
      clock,
      write: (name) => this.#entries.writeUse(name),
    });
  }

  /**
   * Removes what a process that died left behind and what is no entry, and evicts down to the limits.
   * @throws VelocityError `STORAGE_UNAVAILABLE` or `STORAGE_FULL` where the folder cannot be made, or is used by another
   *   process
   */
  static async open<M>(options: DiskTierOptions<M>): Promise<DiskTier<M>> {
    const files = await EntryFiles.open(options.folder, options.clock, options.layout).catch(
      (error: unknown) => {
        throw toFailure(`open the cache folder ${options.folder}`, error);
      },
    );
    const tier = new DiskTier(options, files, await FolderLock.take(files.lock, 'the cache folder'));
    await tier.#load();
    tier.#planCleanup();
    return tier;
  }

  /** Of entries, and reserved for what is being written. */
  get bytes(): number {
    return this.#entries.room.bytes;
  }

  /** Entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Of the body that a key holds, in bytes; without a look at the disk, and not a use. */
  sizeOf(key: string): number | undefined {
    const entry = this.#entries.get(this.#nameOf(key));
    return entry === undefined || this.#entries.isTooOld(entry) ? undefined : entry.bodyBytes;
  }

  /** Opens an entry; `undefined` is a miss. What it gives must be used or closed. */
  async read(key: string): Promise<DiskReading<M> | undefined> {
    const name = this.#nameOf(key);
    for (let look = 0; look < LOOKS && !this.#isClosed; look++) {
      // One that is being replaced is not there for a moment.
      if (this.#entries.get(name) === undefined) await this.#entries.pending(name);
      const entry = this.#entries.get(name);
      if (entry === undefined) return undefined;
      if (this.#entries.isTooOld(entry)) {
        await this.#entries.expire(name, entry);
        return undefined;
      }
      const opened = await this.#open(key, name, entry);
      if (this.#entries.get(name) !== entry) {
        if (opened instanceof DiskReading) opened.close();
        continue; // the two files may be of two entries
      }
      if (!(opened instanceof DiskReading)) {
        await this.#note(opened.trouble, opened.error, name, entry);
        return undefined;
      }
      this.#entries.noteUse(name, entry);
      this.#accessTimes.note(name);
      return opened;
    }
    return undefined;
  }

  /**
   * Begins to write an entry, in place of the one that the key may hold, which stays until `commit`. The metadata is
   * taken as it is now. `undefined`: it is larger than the tier, or what others are writing leaves no room for it.
   */
  async write(key: string, meta: M, sizeBytes: number): Promise<DiskWriting | undefined> {
    const draft = new RecordDraft(key, sizeBytes, meta, this.#files.layout.record);
    const reservedBytes = sizeBytes + draft.mostBytes;
    const { room } = this.#entries;
    if (draft.mostBytes > MAX_RECORD_BYTES || this.#isClosed) return undefined;
    if (!(await room.reserve(reservedBytes))) return undefined;
    if (this.#isClosed) {
      room.release(reservedBytes);
      return undefined;
    }
    const file = new SharedFile(this.#files.calls);
    const place = this.#placeFor(this.#nameOf(key), draft, file, () => {
      room.release(reservedBytes);
      this.#writings.delete(writing);
    });
    const writing = new DiskWriting(sizeBytes, file, place);
    this.#writings.add(writing);
    return writing;
  }

  /**
   * The key is a miss, whatever the disk says; where the disk refuses to remove the entry, it may be there again after the
   * next start. What is being written to this key goes on.
   */
  async delete(key: string): Promise<void> {
    const name = this.#nameOf(key);
    await this.#entries.pending(name);
    const entry = this.#entries.get(name);
    if (entry !== undefined) await this.#entries.remove(name, entry, 'forget');
  }

  /** Gives up what is being written, and writes down the statistics of use. What is being read is read to its end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelCleanup();
    await Promise.all([...this.#writings].map((writing) => writing.abort()));
    await this.#accessTimes.flush();
    await this.#entries.idle();
    await this.#lock.release();
  }

  #nameOf(key: string): string {
    return this.#files.layout.nameOf(key);
  }

  async #load(): Promise<void> {
    const { parseMeta, onFound, clock } = this.#options;
    try {
      for (let left = await this.#files.sweep(); left > 0; left--) this.#onTrouble('left-over');
    } catch (error) {
      this.#onTrouble('remove-failed', error);
    }
    const options = { parseMeta, onFound, onTrouble: this.#onTrouble, now: clock.now() };
    await this.#entries.admitAll(await loadEntries(this.#files, options));
  }

  #planCleanup(): void {
    const { cleanupIntervalMs, clock } = this.#options;
    if (cleanupIntervalMs === 0 || this.#isClosed) return;
    this.#cancelCleanup = clock.after(cleanupIntervalMs, async () => {
      await this.#entries.expireAll(() => this.#isClosed);
      this.#planCleanup();
    });
  }

  async #open(key: string, name: string, entry: DiskEntry): Promise<DiskReading<M> | Refused> {
    try {
      const bytes = await this.#files.readRecord(name);
      const record = bytes && decodeRecord(bytes, this.#options.parseMeta, this.#files.layout.record);
      if (record?.key !== key || record.sizeBytes !== entry.bodyBytes) return { trouble: 'corrupt-metadata' };
      const { sizeBytes, blocks } = record;
      const file = await this.#files.openBody(name, sizeBytes);
      if (file === undefined) return { trouble: 'damaged' };
      const trusted = this.#checks?.of(entry, identityOf(file), blockCount(sizeBytes));
      const shared = new SharedFile(this.#files.calls, file);
      const body = new CheckedBody(shared, sizeBytes, (block) => blocks[block], trusted);
      return new DiskReading(record, body, (error) => this.#noteReadError(error, name, entry));
    } catch (error) {
      return { trouble: 'read-failed', error };
    }
  }

  /** `undefined`: the entry is gone, or another has come in its place. */
  async #reopen(name: string, entry: DiskEntry): Promise<SharedFile | undefined> {
    const file = await this.#files.openBody(name, entry.bodyBytes).catch((error: unknown) => {
      this.#onTrouble('read-failed', error);
      return undefined;
    });
    const shared = file === undefined ? undefined : new SharedFile(this.#files.calls, file);
    if (this.#entries.get(name) === entry) return shared;
    shared?.release();
    return undefined;
  }

  async #noteReadError(error: unknown, name: string, entry: DiskEntry): Promise<void> {
    await this.#note(isDamage(error) ? 'damaged' : 'read-failed', error, name, entry);
  }

  /** What is wrong itself is removed; what a disk does not give out now may be had later. */
  async #note(trouble: DiskTroubleKind, error: unknown, name: string, entry: DiskEntry): Promise<void> {
    this.#onTrouble(trouble, error);
    if (trouble !== 'read-failed') await this.#entries.remove(name, entry);
  }

  #placeFor(name: string, draft: RecordDraft, file: SharedFile, end: () => void): WritingPlace {
    const files = this.#files;
    const temp = files.nextTemp();
    const onTrouble = this.#onTrouble;
    let stored: DiskEntry | undefined;
    return {
      create: () => withFolder(temp, () => file.create(temp)),
      publish: async (bodyBytes, checksums) => {
        stored = await this.#entries.publish({ name, draft, temp, bodyBytes, checksums });
        if (stored !== undefined) end();
        return stored !== undefined;
      },
      discard: async () => {
        await files.unlink(temp).catch((error: unknown) => onTrouble('remove-failed', error));
        end();
      },
      reopen: async () => (stored === undefined ? undefined : this.#reopen(name, stored)),
      onWriteFailed: (error) => onTrouble('write-failed', error),
      onReadFailed: async (error) => {
        if (stored === undefined) onTrouble(isDamage(error) ? 'damaged' : 'read-failed', error);
        else await this.#noteReadError(error, name, stored);
      },
    };
  }
}
