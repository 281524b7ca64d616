import { currentAge, type StoredFacts } from '../../../http-cache/stored-facts.ts';

/**
 * A stored response as if its freshness ended now: the next who asks has it validated or fetched anew, and may get it
 * meanwhile, and when the origin is away, where grace or the origin lets it be sent stale. One that is stale stays as it is.
 * @param now milliseconds since the epoch
 */
export function softPurged(facts: StoredFacts, now: number): StoredFacts {
  const seconds = Math.min(facts.lifetime.seconds, currentAge(facts, now));
  return {
    ...facts,
    lifetime: { ...facts.lifetime, seconds },
    // A clock that was set back since it came must not leave it fresh.
    freshUntil: Math.min(facts.freshUntil, now),
  };
}
