import type { Clock } from '../base/clock.ts';
import type { Eviction } from './eviction/eviction.ts';

export interface MemoryTierOptions {
  /** Of keys, values and what it costs to hold them. */
  readonly maxBytes: number;
  /** How long an entry is given out after it came in, in milliseconds. */
  readonly ttlMs: number;
  /** The largest value that is kept; an eighth of all without it, so that one does not push out most of the others. */
  readonly maxValueBytes?: number | undefined;
  readonly eviction: Eviction;
  readonly clock: Clock;
}

/** What an entry costs the process beside its key and its value, with a buffer of its own: `bench/tier-memory`, rounded up. */
export const ENTRY_OVERHEAD_BYTES = 768;

const LARGEST_SHARE = 1 / 8;

interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
  expiresAt: number;
}

/** A value that is being read. */
interface Loan {
  readonly bytes: number;
  readers: number;
  /** An entry holds it, and its bytes count there. */
  isKept: boolean;
}

/** To be called once for each loan; from then on it does nothing. */
export type GiveBack = () => void;

/**
 * Values in memory that may be forgotten at any time: bounded in bytes, and given out for a while only. A value that is
 * lent stays in memory as long as somebody reads it, so it counts for as long, also where its entry went meanwhile.
 */
export class MemoryTier<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #loans = new Map<V, Loan>();
  readonly #options: MemoryTierOptions;
  #bytes = 0;
  #lentBytes = 0;
  #evictions = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
  }

  /** Of all that is held or lent, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of what is lent, whether it is held or not: no eviction makes room of these. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** How many entries went to make room. */
  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { clock, eviction } = this.#options;
    if (clock.elapsed() >= entry.expiresAt) {
      this.delete(key);
      return undefined;
    }
    eviction.touch(key);
    return entry.value;
  }

  /** Whether a value of so many bytes would be kept. */
  takes(valueBytes: number): boolean {
    return (
      this.#isSmallEnough(valueBytes) &&
      this.#lentBytes + valueBytes + ENTRY_OVERHEAD_BYTES <= this.#options.maxBytes
    );
  }

  /**
   * Keeps a value, in place of the one that the key held; others go until there is room.
   * @param valueBytes what it takes in memory
   * @param ageMs how much of its time has passed
   * @returns whether it is kept: not one that is too large, nor where too much is lent
   */
  set(key: string, value: V, valueBytes: number, ageMs = 0): boolean {
    this.delete(key);
    if (!this.#isSmallEnough(valueBytes)) return false;
    const { ttlMs, eviction, clock } = this.#options;
    const loan = this.#loans.get(value);
    const bytes = loan?.bytes ?? costOf(key, valueBytes);
    if (loan && !loan.isKept) loan.isKept = true;
    else if (!this.#claim(bytes)) return false;
    this.#entries.set(key, { value, bytes, expiresAt: clock.elapsed() + ttlMs - ageMs });
    eviction.admit(key);
    return true;
  }

  /**
   * Counts a value until it is given back, whatever becomes of its entry; once, however many have it. For one that the key
   * does not hold, yet or any more, others go until there is room.
   * @returns `undefined`: so much is lent that there is none
   */
  lend(key: string, value: V, valueBytes: number): GiveBack | undefined {
    let loan = this.#loans.get(value);
    if (!loan) {
      const entry = this.#entries.get(key);
      const isKept = entry?.value === value;
      const bytes = isKept ? entry.bytes : costOf(key, valueBytes);
      if (!isKept && !this.#claim(bytes)) return undefined;
      loan = { bytes, readers: 0, isKept };
      this.#loans.set(value, loan);
      this.#lentBytes += bytes;
    }
    loan.readers++;
    const lent = loan;
    let isLent = true;
    return () => {
      if (isLent) this.#giveBack(value, lent);
      isLent = false;
    };
  }

  /** Whether the key still held this value, which then has its whole time again, from a moment of `Clock.elapsed`. */
  renew(key: string, value: V, since: number): boolean {
    const entry = this.#entries.get(key);
    if (entry?.value !== value) return false;
    entry.expiresAt = since + this.#options.ttlMs;
    return true;
  }

  delete(key: string): void {
    if (this.#drop(key)) this.#options.eviction.forget(key);
  }

  #drop(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    const loan = this.#loans.get(entry.value);
    if (loan?.isKept) loan.isKept = false;
    else this.#bytes -= entry.bytes;
    return true;
  }

  #isSmallEnough(valueBytes: number): boolean {
    const { maxBytes, maxValueBytes = maxBytes * LARGEST_SHARE - ENTRY_OVERHEAD_BYTES } = this.#options;
    return valueBytes <= maxValueBytes;
  }

  /** Whether there is room for so many bytes, once others have gone for it; they count from now on. */
  #claim(bytes: number): boolean {
    const { maxBytes, eviction } = this.#options;
    if (this.#lentBytes + bytes > maxBytes) return false; // however many went
    while (this.#bytes + bytes > maxBytes) {
      const victim = eviction.evict();
      if (victim === undefined) return false;
      this.#drop(victim);
      this.#evictions++;
    }
    this.#bytes += bytes;
    return true;
  }

  #giveBack(value: V, loan: Loan): void {
    if (--loan.readers > 0) return;
    this.#loans.delete(value);
    this.#lentBytes -= loan.bytes;
    if (!loan.isKept) this.#bytes -= loan.bytes;
  }
}

function costOf(key: string, valueBytes: number): number {
  return valueBytes + key.length * 2 + ENTRY_OVERHEAD_BYTES; // two bytes a character at worst
}
