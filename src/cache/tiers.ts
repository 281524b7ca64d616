import type { BodyTier } from './body-tier.ts';
import type { MemoryTier } from './memory-tier.ts';
import type { Kept } from './read-through.ts';

/** A disk tier and its numbers. */
export interface CountedBodyTier<M> extends BodyTier<M> {
  /** Entries. */
  readonly size: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Since the start, to make room. */
  readonly evictions: number;
}

/** The tiers of one cache. */
export interface Tiers<M> {
  readonly memory: MemoryTier<Kept<M>>;
  readonly disk: CountedBodyTier<M> | undefined;
  /** Larger bodies are kept in neither. */
  readonly maxBodyBytes: number;
  close(): Promise<void>;
}
