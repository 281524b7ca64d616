export interface RoomLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** Which limit has no room left. */
export type Shortage = 'bytes' | 'entries';

/**
 * What the tier holds and what is about to come, counted against the limits. Room is reserved before the first byte is
 * written and given back after the last was removed, so the disk never holds more than the limits say.
 */
export class Room {
  readonly #limits: RoomLimits;
  readonly #evictOne: (shortage: Shortage) => Promise<boolean>;
  #kept = { bytes: 0, entries: 0 };
  #reserved = { bytes: 0, entries: 0 };
  /** Reservations are made one after the other: two at once would both evict for the same want of room. */
  #last: Promise<unknown> | undefined;

  /** @param evictOne makes some room; `false`: there is nothing that could go */
  constructor(limits: RoomLimits, evictOne: (shortage: Shortage) => Promise<boolean>) {
    this.#limits = limits;
    this.#evictOne = evictOne;
  }

  /** Entries and reservations. */
  get bytes(): number {
    return this.#kept.bytes + this.#reserved.bytes;
  }

  /** Whether there is room for an entry of so many bytes now; the least valuable ones go for it. */
  reserve(bytes: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const { maxBytes, maxEntries } = this.#limits;
      // What others are writing cannot be evicted, so nothing is where that would not be enough.
      if (this.#reserved.bytes + bytes > maxBytes || this.#reserved.entries + 1 > maxEntries) return false;
      if (!(await this.#shrink(bytes, 1))) return false;
      this.#reserved.bytes += bytes;
      this.#reserved.entries++;
      return true;
    });
  }

  /** Evicts until what is kept is within the limits. */
  async enforce(): Promise<void> {
    await this.#inTurn(() => this.#shrink(0, 0));
  }

  /** A reservation is not needed any more. */
  release(bytes: number): void {
    this.#reserved.bytes -= bytes;
    this.#reserved.entries--;
  }

  add(bytes: number): void {
    this.#kept.bytes += bytes;
    this.#kept.entries++;
  }

  remove(bytes: number): void {
    this.#kept.bytes -= bytes;
    this.#kept.entries--;
  }

  async #shrink(bytes: number, entries: number): Promise<boolean> {
    for (;;) {
      const shortage = this.#shortage(bytes, entries);
      if (shortage === undefined) return true;
      if (!(await this.#evictOne(shortage))) return false;
    }
  }

  #shortage(bytes: number, entries: number): Shortage | undefined {
    const { maxBytes, maxEntries } = this.#limits;
    if (this.bytes + bytes > maxBytes) return 'bytes';
    return this.#kept.entries + this.#reserved.entries + entries > maxEntries ? 'entries' : undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last === undefined ? work() : this.#last.then(work);
    const settled: Promise<unknown> = done.finally(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    this.#last = settled;
    return done;
  }
}
