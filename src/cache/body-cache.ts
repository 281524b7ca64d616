import type { Kept } from './kept.ts';
import type { Reading } from './read-through.ts';
import type { PagedSource } from './source.ts';

/** What is known of a body that a tier holds. Must be closed. */
export type FoundBody<M> = Pick<Reading<M>, 'meta' | 'sizeBytes' | 'outcome' | 'close'>;

/** Bodies behind tiers, whether they are kept as a whole or in pages. */
export interface BodyCache<M> {
  /** @returns `undefined` where the source has none; whatever the source throws is thrown. */
  read(key: string, source: PagedSource<M>): Promise<Reading<M> | undefined>;
  /** Without a question to the source. */
  find(key: string): Promise<FoundBody<M> | undefined>;
  /**
   * Brings a body into the tiers, for whoever asks next. Fails where it does not come.
   * @returns whether there is one, and room for it
   */
  warm(key: string, source: PagedSource<M>, signal: AbortSignal): Promise<boolean>;
  /** Keeps a body that came another way, in place of what the key held. */
  fill(key: string, kept: Kept<M>): Promise<void>;
  /** Whoever asks from now on gets what comes now. */
  forget(key: string): Promise<void>;
}
