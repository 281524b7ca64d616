import type { Clock } from '../../base/clock.ts';
import type { Digest } from '../../base/digest.ts';
import { BLOCK_BYTES } from '../../cache/disk-tier/block-checksums.ts';
import type { EvictionReason } from '../../cache/disk-tier/disk-entries.ts';
import { DiskTier } from '../../cache/disk-tier/disk-tier.ts';
import type { OnDiskTrouble } from '../../cache/disk-tier/disk-trouble.ts';
import type { DiskWriting } from '../../cache/disk-tier/disk-writing.ts';
import { openEviction } from '../../cache/eviction/open-eviction.ts';
import type { Binary } from './binary.ts';
import { BINARY_LAYOUT, type BinaryMeta, parseBinaryMeta } from './binary-layout.ts';
import type { BuiltFile } from './built-file.ts';

/** As velox-middleware names them; of the numbers 0 is no limit, or never. */
export interface BinaryCacheSettings {
  readonly directory: string;
  /** GiB. */
  readonly maxSizeGb: number;
  readonly maxEntries: number;
  readonly maxAgeDays: number;
  readonly cleanupIntervalMs: number;
  readonly evictionPolicy: BinaryEviction;
  /** 0: with each use. */
  readonly accessUpdateIntervalMs: number;
}

export const BINARY_EVICTIONS = ['lru', 'lfu', 'fifo'] as const;
export type BinaryEviction = (typeof BINARY_EVICTIONS)[number];

export interface BinaryCacheOptions extends BinaryCacheSettings {
  readonly clock: Clock;
  readonly onTrouble?: OnDiskTrouble | undefined;
  readonly onEvict?: ((reason: EvictionReason, bytes: number) => void) | undefined;
}

const GIB = 2 ** 30;
const DAY_MS = 86_400_000;

/** Binaries on the disk, by the keys of their builds. Trouble is a miss, or nothing kept; no build waits for its end. */
export class BinaryCache {
  readonly #tier: DiskTier<BinaryMeta>;
  readonly #onTrouble: OnDiskTrouble;

  private constructor(tier: DiskTier<BinaryMeta>, onTrouble: OnDiskTrouble) {
    this.#tier = tier;
    this.#onTrouble = onTrouble;
  }

  /** @throws VelocityError `STORAGE_UNAVAILABLE` or `STORAGE_FULL`: the folder cannot be used */
  static async open(options: BinaryCacheOptions): Promise<BinaryCache> {
    const { maxSizeGb, maxEntries, maxAgeDays, clock, onTrouble = () => {}, onEvict } = options;
    const tier = await DiskTier.open<BinaryMeta>({
      folder: options.directory,
      layout: BINARY_LAYOUT,
      maxBytes: maxSizeGb === 0 ? Number.POSITIVE_INFINITY : maxSizeGb * GIB,
      maxEntries: maxEntries === 0 ? undefined : maxEntries,
      maxAgeMs: maxAgeDays === 0 ? undefined : maxAgeDays * DAY_MS,
      cleanupIntervalMs: options.cleanupIntervalMs,
      accessUpdateIntervalMs: options.accessUpdateIntervalMs,
      eviction: openEviction(options.evictionPolicy),
      clock,
      parseMeta: parseBinaryMeta,
      onTrouble,
      onEvict,
    });
    return new BinaryCache(tier, onTrouble);
  }

  get bytes(): number {
    return this.#tier.bytes;
  }

  /** Of binaries. */
  get size(): number {
    return this.#tier.size;
  }

  /** Without a look at the disk. */
  has(key: Digest): boolean {
    return this.#tier.sizeOf(key) !== undefined;
  }

  /** `undefined` is a miss. */
  async read(key: Digest): Promise<Binary | undefined> {
    const reading = await this.#tier.read(key);
    if (reading === undefined) return undefined;
    return {
      key,
      sizeBytes: reading.sizeBytes,
      builtAt: reading.meta.builtAt,
      stream: (span) => reading.stream(span),
      sendTo: (sink, span) => reading.sendTo(sink, span),
      begins: (span) => reading.begins(span),
      close: () => reading.close(),
    };
  }

  /**
   * Copies a binary in, in place of the one that its key may hold. `false`: nothing is kept under the key now, for the old
   * one is no longer what was built last.
   */
  async keep(built: BuiltFile, meta: Omit<BinaryMeta, 'builtAt'>): Promise<boolean> {
    const writing = await this.#tier.write(built.key, { ...meta, builtAt: built.builtAt }, built.sizeBytes);
    if (writing !== undefined && (await this.#copy(built, writing))) return true;
    await this.#tier.delete(built.key);
    return false;
  }

  close(): Promise<void> {
    return this.#tier.close();
  }

  async #copy(built: BuiltFile, writing: DiskWriting): Promise<boolean> {
    try {
      const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, built.sizeBytes));
      for (let position = 0; position < built.sizeBytes; ) {
        const bytes = await built.readInto(block.subarray(0, built.sizeBytes - position), position);
        await writing.append(bytes);
        position += bytes.length;
      }
      if (await built.isUnchanged()) return await writing.commit();
    } catch (error) {
      this.#onTrouble('read-failed', error);
    }
    await writing.abort();
    return false;
  }
}
