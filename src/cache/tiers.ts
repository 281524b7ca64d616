import type { BodyTier } from './body-tier.ts';
import type { Kept } from './kept.ts';
import type { MemoryTier } from './memory-tier.ts';

export interface TierLevel {
  readonly tier: 'memory' | 'disk';
  readonly entries: number;
  readonly bytes: number;
  /** Of these, what readers have that they have not taken yet; of memory alone. */
  readonly lentBytes?: number | undefined;
  readonly maxBytes: number;
  /** Since the start, to make room. */
  readonly evictions: number;
}

/** The tiers of one cache. */
export interface Tiers<M> {
  readonly memory: MemoryTier<Kept<M>>;
  readonly disk: BodyTier<M> | undefined;
  /** How full they are. */
  levels(): readonly TierLevel[];
  /** Larger bodies are kept in neither as a whole. */
  readonly maxBodyBytes: number;
  /** Larger bodies are kept in pages of this size, those over `maxBodyBytes` too; `undefined`: none is. */
  readonly pageBytes?: number | undefined;
  close(): Promise<void>;
}
