import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import type { Eviction } from '../eviction/eviction.ts';
import { type DiskEntry, entryBytes } from './disk-entry.ts';
import type { OnDiskTrouble } from './disk-trouble.ts';
import type { EntryFiles } from './entry-files.ts';
import type { RecordDraft } from './entry-record.ts';
import { Room, type RoomLimits, type Shortage } from './room.ts';
import { Turns } from './turns.ts';

/** Why an entry went: a limit was reached, or its time was over. */
export type EvictionReason = Shortage | 'age';

export interface DiskEntriesOptions extends RoomLimits {
  readonly files: EntryFiles;
  readonly eviction: Eviction;
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly onTrouble: OnDiskTrouble;
  readonly onEvict: (reason: EvictionReason, bytes: number) => void;
}

/** A body in a temporary file, with what is known of it. */
export interface NewEntry {
  readonly name: string;
  readonly draft: RecordDraft;
  readonly temp: string;
  readonly bodyBytes: number;
  readonly checksums: readonly number[];
}

/** Uses beyond so many say nothing new to any eviction. */
const MOST_REPLAYED_USES = 15;
/** Looked at before others get their turn. */
const ENTRIES_IN_A_ROW = 10_000;

/**
 * Which entries there are, by name, and all that changes which: what comes in, is replaced, goes. An entry that is in the
 * index has both its files in place. It leaves the index before its files change, so whoever opened both and
 * still finds it there has opened two that belong together.
 */
export class DiskEntries {
  readonly room: Room;
  readonly #options: DiskEntriesOptions;
  readonly #index = new Map<string, DiskEntry>();
  /** Whatever changes an entry's files waits for its turn. */
  readonly #turns = new Turns();

  constructor(options: DiskEntriesOptions) {
    this.#options = options;
    this.room = new Room(options, (shortage) => this.#evictOne(shortage));
  }

  get size(): number {
    return this.#index.size;
  }

  get(name: string): DiskEntry | undefined {
    return this.#index.get(name);
  }

  isTooOld({ storedAt }: DiskEntry): boolean {
    const { clock, maxAgeMs } = this.#options;
    return clock.now() - storedAt >= maxAgeMs;
  }

  /** When the changes of an entry that are under way are done; `undefined`: there are none. */
  pending(name: string): Promise<void> | undefined {
    return this.#turns.pending(name);
  }

  /** When all changes are done. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /** Takes in what was found at a start, the least recently used first, and evicts down to the limits. */
  async admitAll(found: Iterable<[string, DiskEntry]>): Promise<void> {
    const { eviction } = this.#options;
    let count = 0;
    for (const [name, entry] of found) {
      if (++count % ENTRIES_IN_A_ROW === 0) await setImmediate();
      this.#index.set(name, entry);
      this.room.add(entryBytes(entry));
      eviction.admit(name);
      for (let use = 0; use < Math.min(entry.uses, MOST_REPLAYED_USES); use++) eviction.touch(name);
    }
    await this.expireAll();
    await this.room.enforce();
  }

  noteUse(name: string, entry: DiskEntry): void {
    entry.lastUsedAt = this.#options.clock.now();
    entry.uses++;
    this.#options.eviction.touch(name);
  }

  /** Writes down what is known of an entry's use. */
  writeUse(name: string): Promise<void> {
    return this.#turns.run(name, async () => {
      const entry = this.#index.get(name);
      if (entry === undefined) return;
      const { files, onTrouble } = this.#options;
      try {
        await files.writeUse(name, entry.lastUsedAt, entry.uses);
      } catch (error) {
        onTrouble('write-failed', error);
      }
    });
  }

  /** Makes an entry of a body, in place of the one that is there. `undefined`: it could not be done, and was counted. */
  publish(fresh: NewEntry): Promise<DiskEntry | undefined> {
    return this.#turns.run(fresh.name, () => this.#publish(fresh));
  }

  /**
   * Whether this very entry was removed: not if it was replaced meanwhile, or where the disk refused.
   * @param stuck what becomes of it where the disk refuses; one that is forgotten still takes its room
   */
  remove(name: string, entry: DiskEntry, stuck: 'keep' | 'forget' = 'keep'): Promise<boolean> {
    return this.#turns.run(name, async () => {
      if (this.#index.get(name) !== entry) return false;
      const { files, eviction, onTrouble } = this.#options;
      this.#index.delete(name);
      try {
        await files.unlink(files.pathOf(name, 'json'));
      } catch (error) {
        if (stuck === 'forget') eviction.forget(name);
        else this.#index.set(name, entry); // it is whole
        onTrouble('remove-failed', error);
        return false;
      }
      eviction.forget(name);
      try {
        await files.unlink(files.pathOf(name, 'bin'));
      } catch (error) {
        onTrouble('remove-failed', error); // an orphan, until the next start
      }
      this.room.remove(entryBytes(entry));
      return true;
    });
  }

  async expire(name: string, entry: DiskEntry): Promise<void> {
    if (await this.remove(name, entry)) this.#options.onEvict('age', entryBytes(entry));
  }

  async expireAll(isOver: () => boolean = () => false): Promise<void> {
    if (this.#options.maxAgeMs === Number.POSITIVE_INFINITY) return;
    let count = 0;
    for (const [name, entry] of this.#index) {
      if (++count % ENTRIES_IN_A_ROW === 0) await setImmediate();
      if (isOver()) return;
      if (this.isTooOld(entry)) await this.expire(name, entry);
    }
  }

  async #publish(fresh: NewEntry): Promise<DiskEntry | undefined> {
    const { name, draft, temp, bodyBytes, checksums } = fresh;
    const { files, eviction, clock, onTrouble } = this.#options;
    const old = this.#index.get(name);
    const storedAt = Math.trunc(clock.now());
    const record = draft.encode(checksums, storedAt);
    let tempRecord: string | undefined;
    try {
      tempRecord = await files.writeTemp(record);
      this.#index.delete(name);
      await files.unlink(files.pathOf(name, 'json'));
    } catch (error) {
      if (old !== undefined) this.#index.set(name, old); // it is whole
      await this.#discard(tempRecord);
      onTrouble('write-failed', error);
      return undefined;
    }
    try {
      await files.place(temp, name, 'bin');
      await files.place(tempRecord, name, 'json');
    } catch (error) {
      eviction.forget(name);
      await this.#discard(tempRecord, files.pathOf(name, 'bin'));
      if (old !== undefined) this.room.remove(entryBytes(old));
      onTrouble('write-failed', error);
      return undefined;
    }
    const entry = { bodyBytes, recordBytes: record.length, storedAt, lastUsedAt: storedAt, uses: 0 };
    this.#index.set(name, entry);
    this.room.add(entryBytes(entry));
    if (old !== undefined) this.room.remove(entryBytes(old));
    // One that is replaced keeps what the eviction knows of it.
    eviction.admit(name);
    if (old !== undefined) eviction.touch(name);
    return entry;
  }

  async #evictOne(shortage: Shortage): Promise<boolean> {
    const { eviction, onEvict } = this.#options;
    for (;;) {
      const name = eviction.evict();
      if (name === undefined) return false;
      const entry = this.#index.get(name);
      if (entry === undefined) continue; // it is being replaced, and comes in again
      if (await this.remove(name, entry)) {
        onEvict(shortage, entryBytes(entry));
        return true;
      }
      if (this.#index.get(name) !== entry) continue; // it was replaced, or went for another reason
      eviction.admit(name);
      return false;
    }
  }

  async #discard(...paths: readonly (string | undefined)[]): Promise<void> {
    const { files, onTrouble } = this.#options;
    for (const path of paths) {
      if (path === undefined) continue;
      await files.unlink(path).catch((error: unknown) => onTrouble('remove-failed', error));
    }
  }
}
