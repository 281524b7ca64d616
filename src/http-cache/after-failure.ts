import type { RequestFacts } from './request-facts.ts';
import { isFresh, isWithin, type StoredFacts } from './stored-facts.ts';

/** How the origin failed: nothing whole came from it in time, or an error that it made itself. */
export type OriginFailure = 'unreachable' | 'error-status';

export type AfterFailure =
  | { readonly kind: 'serve-stored'; readonly reason: OriginFailure }
  /** The client gets the origin's error, or 504 where there is none. RFC 9111 §5.2.2.2. */
  | { readonly kind: 'fail'; readonly reason: 'never-stale' | 'too-stale' | 'request-no-cache' };

/** Statuses that may be told as if the origin had not answered. RFC 5861 §4, RFC 9111 §4.3.3. */
export function isOriginError(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}

/**
 * Whether a stored response that should have been validated may be sent although that failed. RFC 9111 §4.2.4.
 * @param stored what matched the request
 */
export function afterFailure(
  stored: StoredFacts,
  request: RequestFacts,
  failure: OriginFailure,
  now: number,
): AfterFailure {
  // §5.2.1.4: better nothing than something unvalidated.
  if (request.directives?.noCache) return { kind: 'fail', reason: 'request-no-cache' };
  // The client wanted it fresher than it had to be.
  if (isFresh(stored, now) && !stored.noCache) return { kind: 'serve-stored', reason: failure };
  // §5.2.2.2, §5.2.2.4, §5.2.2.8, §5.2.2.10
  if (stored.neverStale) return { kind: 'fail', reason: 'never-stale' };
  const seconds = failure === 'unreachable' ? stored.staleIfUnreachableSeconds : stored.staleIfErrorSeconds;
  if (!isWithin(stored, seconds, now)) return { kind: 'fail', reason: 'too-stale' };
  return { kind: 'serve-stored', reason: failure };
}
