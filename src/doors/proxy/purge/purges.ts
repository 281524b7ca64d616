import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { BanExpression } from './ban-condition.ts';
import type { BanFacts } from './ban-list.ts';

export interface PurgeOptions {
  /** What is meant is not removed but made stale: `softPurged`. */
  readonly soft: boolean;
}

/**
 * What an operator can take out of the store of responses, by the admin side alone. Once it returns nothing of it is
 * sent as fresh, nor what was asked for before and comes back after. Each purge says how many stored responses it was
 * about, every variant counted.
 */
export interface Purges {
  purge(uri: CacheUri, options: PurgeOptions): number;
  /** Of those that have any of the tags. */
  purgeTags(tags: readonly string[], options: PurgeOptions): number;
  purgeAll(options: PurgeOptions): number;
  /** See `BanList.add`. @throws VelocityError `BANS_EXHAUSTED` */
  ban(expression: BanExpression): BanFacts;
  /** In the order in which they were made. */
  bans(): readonly BanFacts[];
}
