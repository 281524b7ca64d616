import type { Seconds } from './directives.ts';

/** Where the RFCs leave a choice, or an operator may want less than they allow. */
export interface CachePolicy {
  /** Fields that stand instead of Cache-Control, in lower case; the first that is valid counts. RFC 9213 §2.2. */
  readonly targetedFields: readonly string[];
  /** How much of its age when it was sent a response without a lifetime stays fresh. RFC 9111 §4.2.2. */
  readonly heuristicFraction: number;
  readonly heuristicMostSeconds: Seconds;
  /** Refuses what carries Set-Cookie, even where the origin says how long it lasts. RFC 9111 §7.3. */
  readonly neverWithSetCookie: boolean;
  /** Whether clients may ask for fresher or staler answers than the origin does. RFC 9111 §5.2.1: no cache has to. */
  readonly heedsRequestDirectives: boolean;
  /** Beyond freshness, where the origin cannot be reached and says nothing of it itself. RFC 9111 §4.2.4. */
  readonly staleIfUnreachableSeconds: Seconds;
  /** The same where it answers 500, 502, 503 or 504. RFC 9111 §4.3.3. */
  readonly staleIfErrorSeconds: Seconds;
  /** Beyond freshness, where there was any, while it is validated in the background, and the origin says nothing of it itself. */
  readonly graceSeconds: Seconds;
  /**
   * Lets `stale-while-revalidate` and `stale-if-error` count beside `s-maxage`, which by RFC 9111 §5.2.2.10 they do not.
   * Many origins write both, and mean both.
   */
  readonly staleDespiteSMaxage: boolean;
  /**
   * Takes languages of one preference as a set, and a response in the one language that a request wants most as its
   * answer. RFC 9110 §12.5.4.
   */
  readonly matchesLanguages: boolean;
}

/** What RFC 9111 says, and no more where it leaves it open. */
export const RFC_POLICY: CachePolicy = {
  targetedFields: ['cdn-cache-control'],
  heuristicFraction: 0.1,
  heuristicMostSeconds: 86_400,
  neverWithSetCookie: false,
  heedsRequestDirectives: true,
  staleIfUnreachableSeconds: 86_400,
  staleIfErrorSeconds: 0,
  graceSeconds: 0,
  staleDespiteSMaxage: false,
  matchesLanguages: true,
};
