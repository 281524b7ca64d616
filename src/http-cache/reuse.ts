import type { RequestDirectives } from './directives.ts';
import type { RequestFacts } from './request-facts.ts';
import { currentAge, isFresh, isWithin, type StoredFacts, timeToLive } from './stored-facts.ts';

/** Why a stored response is not sent as it is. Appears unchanged in logs and in Cache-Status. */
export type NotReused =
  | 'method'
  | 'origin-condition'
  | 'no-cache'
  | 'request-no-cache'
  | 'request-max-age'
  | 'request-min-fresh'
  | 'stale';

export type Reuse =
  | { readonly kind: 'serve-fresh' }
  | {
      readonly kind: 'serve-stale';
      readonly reason: 'stale-while-revalidate' | 'request-max-stale';
      /** Whether it is to be validated meanwhile. */
      readonly refreshes: boolean;
    }
  /** Ask the origin, with what is known of the stored response as condition. */
  | { readonly kind: 'revalidate'; readonly reason: NotReused }
  /** Ask the origin as if nothing were stored. */
  | { readonly kind: 'fetch'; readonly reason: NotReused }
  /** 504, without asking. RFC 9111 §5.2.1.7. */
  | { readonly kind: 'unavailable'; readonly reason: 'only-if-cached' };

const FRESH: Reuse = { kind: 'serve-fresh' };
const UNAVAILABLE: Reuse = { kind: 'unavailable', reason: 'only-if-cached' };

/**
 * Whether a stored response that matches the request (`selectVariant`) may be sent. RFC 9111 §4. For a fresh response
 * and a request that asks for nothing special it costs a comparison of two numbers.
 * @param now milliseconds since the epoch
 */
export function reuse(stored: StoredFacts, request: RequestFacts, now: number): Reuse {
  // §4: only what the method allows.
  if (!request.isRead) return { kind: 'fetch', reason: 'method' };
  // §4.3.2: conditions that a cache does not judge.
  if (request.isForOrigin) return { kind: 'fetch', reason: 'origin-condition' };
  // §5.2.2.4
  if (stored.noCache) return askOrigin(stored, request, 'no-cache');

  const wanted = request.directives;
  if (wanted) {
    const refusal = refusedByRequest(stored, wanted, now);
    if (refusal) return askOrigin(stored, request, refusal);
  }
  // §4.2
  if (isFresh(stored, now)) return FRESH;
  if (isStaleEnough(stored, wanted, now))
    return { kind: 'serve-stale', reason: 'request-max-stale', refreshes: false };
  // RFC 5861 §3
  if (isWithin(stored, stored.staleWhileRevalidateSeconds, now))
    return { kind: 'serve-stale', reason: 'stale-while-revalidate', refreshes: true };
  // §4.2.4
  return askOrigin(stored, request, 'stale');
}

/** Where nothing is stored that matches. RFC 9111 §5.2.1.7. */
export function reuseNothing(request: RequestFacts): 'fetch' | 'unavailable' {
  return request.directives?.onlyIfCached && request.isRead ? 'unavailable' : 'fetch';
}

function refusedByRequest(
  stored: StoredFacts,
  wanted: RequestDirectives,
  now: number,
): NotReused | undefined {
  // §5.2.1.4
  if (wanted.noCache) return 'request-no-cache';
  // §5.2.1.1
  if (wanted.maxAge !== undefined && currentAge(stored, now) > wanted.maxAge) return 'request-max-age';
  if (wanted.maxAge === 0) return 'request-max-age'; // asks for a new one, even within the second it came in
  // §5.2.1.3
  if (wanted.minFresh !== undefined && timeToLive(stored, now) < wanted.minFresh) return 'request-min-fresh';
  return undefined;
}

/** §5.2.1.2, unless the origin forbids it. */
function isStaleEnough(stored: StoredFacts, wanted: RequestDirectives | undefined, now: number): boolean {
  if (wanted?.maxStale === undefined || stored.neverStale) return false;
  return -timeToLive(stored, now) <= wanted.maxStale;
}

function askOrigin(stored: StoredFacts, request: RequestFacts, reason: NotReused): Reuse {
  if (request.directives?.onlyIfCached) return UNAVAILABLE;
  const canBeValidated = stored.etag !== undefined || stored.lastModified !== undefined;
  return { kind: canBeValidated ? 'revalidate' : 'fetch', reason };
}
