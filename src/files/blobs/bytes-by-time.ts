/** Finer than a minute for a week, than an hour for half a year. */
const MOST_SLOTS = 8192;

/** The oldest of what there is. */
export interface Oldest {
  /** All that is older belongs to it. */
  readonly before: number;
  /** And of what is not, but older than this, any with so many bytes. */
  readonly until: number;
  readonly bytes: number;
}

/**
 * How many bytes there are from when, in bounded memory: moments are told apart as finely as a number of slots allows.
 */
export class BytesByTime {
  readonly #most: number;
  #widthMs = 1;
  #slots = new Map<number, number>();
  #total = 0;

  constructor(mostSlots = MOST_SLOTS) {
    this.#most = mostSlots;
  }

  get total(): number {
    return this.#total;
  }

  /** @param at in milliseconds, whole */
  add(at: number, bytes: number): void {
    this.#total += bytes;
    this.#addToSlot(Math.floor(at / this.#widthMs), bytes);
    while (this.#slots.size > this.#most) this.#widen();
  }

  /** What must go, oldest first, for no more than `mostBytes` to be left. */
  beyond(mostBytes: number): Oldest {
    let excess = this.#total - mostBytes;
    for (const [slot, bytes] of [...this.#slots].sort(([a], [b]) => a - b)) {
      if (excess <= 0) break;
      const [before, until] = [slot * this.#widthMs, (slot + 1) * this.#widthMs];
      if (bytes >= excess) return { before, until, bytes: excess };
      excess -= bytes;
    }
    return { before: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY, bytes: 0 };
  }

  #widen(): void {
    const narrow = this.#slots;
    this.#slots = new Map();
    this.#widthMs *= 2;
    for (const [slot, bytes] of narrow) this.#addToSlot(Math.floor(slot / 2), bytes);
  }

  #addToSlot(slot: number, bytes: number): void {
    this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + bytes);
  }
}
