import { dateOf } from './age.ts';
import { MOST_SECONDS, type ResponseDirectives, type Seconds } from './directives.ts';
import type { ResponseHead, Speaker } from './exchange.ts';
import { fieldLines, fieldValue } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import type { CachePolicy } from './policy.ts';

/** For how long a response is fresh, counted from when it was made, and who says so. */
export interface Lifetime {
  readonly seconds: Seconds;
  readonly source: 's-maxage' | 'max-age' | 'expires' | 'heuristic' | 'none';
}

/** RFC 9110 §15.1, and no other. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** RFC 9111 §4.2.1, in its order. */
export function freshnessLifetime(
  head: ResponseHead,
  directives: ResponseDirectives,
  speaker: Speaker,
  policy: Pick<CachePolicy, 'heuristicFraction' | 'heuristicMostSeconds'>,
): Lifetime {
  // §5.2.2.10: we are a shared cache.
  if (directives.sMaxage !== undefined) return { seconds: directives.sMaxage, source: 's-maxage' };
  // §5.2.2.1
  if (directives.maxAge !== undefined) return { seconds: directives.maxAge, source: 'max-age' };
  // §5.3; a targeted field stands instead of it, RFC 9213 §2.2.
  if (speaker === 'cache-control') {
    const seconds = expiresIn(head);
    if (seconds !== undefined) return { seconds, source: 'expires' };
  }
  // §4.2.2
  if (isHeuristicallyCacheable(head.status, directives)) {
    const seconds = heuristicLifetime(head, policy);
    if (seconds > 0) return { seconds, source: 'heuristic' };
  }
  return { seconds: 0, source: 'none' };
}

/** RFC 9111 §4.2.2: by its status, or because it is said to be `public`. */
export function isHeuristicallyCacheable(status: number, directives: ResponseDirectives): boolean {
  return HEURISTICALLY_CACHEABLE.has(status) || directives.public;
}

/** RFC 9111 §5.3: what is no date is in the past, `0` above all; so are several that differ. */
function expiresIn(head: ResponseHead): Seconds | undefined {
  const lines = new Set(fieldLines(head.fields, 'expires').map((line) => line.trim()));
  if (lines.size === 0) return undefined;
  const [expires] = lines;
  const expiresAt = lines.size > 1 ? undefined : parseHttpDate(expires ?? '', head.receivedAt);
  return expiresAt === undefined ? 0 : wholeSeconds(expiresAt - dateOf(head));
}

function heuristicLifetime(
  head: ResponseHead,
  {
    heuristicFraction,
    heuristicMostSeconds,
  }: Pick<CachePolicy, 'heuristicFraction' | 'heuristicMostSeconds'>,
): Seconds {
  const modifiedAt = parseHttpDate(fieldValue(head.fields, 'last-modified') ?? '', head.receivedAt);
  if (modifiedAt === undefined) return 0;
  return Math.min(wholeSeconds((dateOf(head) - modifiedAt) * heuristicFraction), heuristicMostSeconds);
}

function wholeSeconds(ms: number): Seconds {
  return Math.min(Math.max(0, Math.floor(ms / 1000)), MOST_SECONDS);
}
