import type { Clock } from '../../base/clock.ts';

/** How long a block that was found right is taken for right, in milliseconds. */
export const TRUST_MS = 60_000;
/**
 * Writes that lie further apart than this, in milliseconds, have different times on every file system: some count in two
 * seconds. Before a file has been the same for longer, another write may hide behind the time of the last one.
 */
export const TELLING_MS = 2_000;

/** Bodies of which something is remembered: those that were opened last. */
const MOST_BODIES = 4096;
/** Of a body; of larger ones nothing is remembered. 8 GiB are 4 KiB of bits. */
const MOST_BLOCKS = 32 * 1024;

/** What was found right of a body in the last minute, a bit a block. */
export class TrustedBlocks {
  readonly identity: string;
  /** When the file was first seen as it is, by `Clock.elapsed`. */
  readonly seenAt: number;
  readonly #clock: Clock;
  readonly #blocks: number;
  /** Of the first block in `#bits`: all of them are forgotten together. */
  #since = 0;
  #bits: Uint8Array | undefined;

  constructor(identity: string, blocks: number, clock: Clock) {
    this.identity = identity;
    this.#blocks = blocks;
    this.#clock = clock;
    this.seenAt = clock.elapsed();
  }

  has(block: number): boolean {
    const bits = this.#current();
    return bits !== undefined && ((bits[block >> 3] ?? 0) & (1 << (block & 7))) !== 0;
  }

  /** It was found right. */
  add(block: number): void {
    let bits = this.#current();
    if (!bits) {
      bits = new Uint8Array(Math.ceil(this.#blocks / 8));
      this.#bits = bits;
      this.#since = this.#clock.elapsed();
    }
    bits[block >> 3] = (bits[block >> 3] ?? 0) | (1 << (block & 7));
  }

  #current(): Uint8Array | undefined {
    if (this.#clock.elapsed() - this.#since >= TRUST_MS) this.#bits = undefined;
    return this.#bits;
  }
}

/** Remembers which blocks of bodies were found right lately. Bounded: what was not opened for longest is forgotten first. */
export class RecentChecks {
  readonly #bodies = new Map<object, TrustedBlocks>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#bodies.size;
  }

  /**
   * What is known of a file that was opened now; for this reading alone, as a later one may find that it was written to.
   * `undefined`: all of it has to be checked, and nothing is to be remembered.
   * @param entry whose body it is
   * @param identity changes with every write to the file
   */
  of(entry: object, identity: string, blocks: number): TrustedBlocks | undefined {
    if (blocks > MOST_BLOCKS) return undefined;
    const known = this.#bodies.get(entry);
    const body = known?.identity === identity ? known : new TrustedBlocks(identity, blocks, this.#clock);
    this.#bodies.delete(entry);
    this.#bodies.set(entry, body);
    const [oldest] = this.#bodies.keys();
    if (oldest && this.#bodies.size > MOST_BODIES) this.#bodies.delete(oldest);
    return this.#clock.elapsed() - body.seenAt > TELLING_MS ? body : undefined;
  }
}
