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

/** Values in memory that may be forgotten at any time: bounded in bytes, and given out for a while only. */
export class MemoryTier<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #options: MemoryTierOptions;
  #bytes = 0;
  #evictions = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
  }

  /** Of all that is held, overhead included. */
  get bytes(): number {
    return this.#bytes;
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
    const { maxBytes, maxValueBytes = maxBytes * LARGEST_SHARE - ENTRY_OVERHEAD_BYTES } = this.#options;
    return valueBytes <= maxValueBytes && valueBytes + ENTRY_OVERHEAD_BYTES <= maxBytes;
  }

  /**
   * Keeps a value, in place of the one that the key held; others go until there is room.
   * @param valueBytes what it takes in memory
   * @param ageMs how much of its time has passed
   * @returns whether it is kept: one that is too large is not
   */
  set(key: string, value: V, valueBytes: number, ageMs = 0): boolean {
    this.delete(key);
    if (!this.takes(valueBytes)) return false;
    const { maxBytes, ttlMs, eviction, clock } = this.#options;
    // Two bytes a character at worst.
    const bytes = valueBytes + key.length * 2 + ENTRY_OVERHEAD_BYTES;
    if (bytes > maxBytes) return false;
    while (this.#bytes + bytes > maxBytes) {
      const victim = eviction.evict();
      if (victim === undefined) return false;
      this.#drop(victim);
      this.#evictions++;
    }
    this.#entries.set(key, { value, bytes, expiresAt: clock.elapsed() + ttlMs - ageMs });
    this.#bytes += bytes;
    eviction.admit(key);
    return true;
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
    this.#bytes -= entry.bytes;
    return true;
  }
}
