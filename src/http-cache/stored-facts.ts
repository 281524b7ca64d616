import { dateOf, initialAge } from './age.ts';
import type { Seconds } from './directives.ts';
import { type EntityTag, entityTagOf } from './entity-tag.ts';
import { type ResponseHead, spokenDirectives } from './exchange.ts';
import { fieldValue } from './fields.ts';
import { freshnessLifetime, type Lifetime } from './freshness.ts';
import { parseHttpDate } from './http-date.ts';
import type { CachePolicy } from './policy.ts';
import { type Vary, variesOn } from './vary.ts';

/**
 * All that later decisions need of a stored response, computed once when it is stored or freshened, so that a hit parses
 * nothing. Plain data: it can be written beside the body and read back.
 */
export interface StoredFacts {
  readonly status: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** When it came. RFC 9111 §4.2.3. */
  readonly initialAgeSeconds: Seconds;
  readonly lifetime: Lifetime;
  /** Milliseconds since the epoch; from this instant on it is stale. May lie before `receivedAt`. */
  readonly freshUntil: number;
  /** Not to be reused unvalidated, fresh or not. RFC 9111 §5.2.2.4. */
  readonly noCache: boolean;
  /** Not to be sent stale, whatever else permits it. RFC 9111 §4.2.4. */
  readonly neverStale: boolean;
  /** Beyond `freshUntil`, counted with the operator's grace; 0 where it is never stale. RFC 5861 §3. */
  readonly staleWhileRevalidateSeconds: Seconds;
  /** Beyond `freshUntil`, where the origin cannot be reached. RFC 5861 §4. */
  readonly staleIfUnreachableSeconds: Seconds;
  /** Beyond `freshUntil`, where the origin answers with an error of its own. */
  readonly staleIfErrorSeconds: Seconds;
  readonly etag: EntityTag | undefined;
  /** As it was written, since that is how it is sent back. `undefined` where it is no date. */
  readonly lastModified: string | undefined;
  /** Milliseconds since the epoch: Date, or when it came. */
  readonly dateAt: number;
  readonly vary: Vary;
}

/** @param head with the fields that are stored, see `fieldsToStore` */
export function storedFacts(head: ResponseHead, policy: CachePolicy): StoredFacts {
  const { speaker, directives } = spokenDirectives(head.fields, policy.targetedFields);
  const lifetime = freshnessLifetime(head, directives, speaker, policy);
  const initialAgeSeconds = initialAge(head);
  const lastModified = fieldValue(head.fields, 'last-modified');

  // RFC 9111 §5.2.2.2, §5.2.2.8: the origin forbids it outright.
  const forbidden = directives.mustRevalidate || directives.proxyRevalidate || directives.noCache;
  // §5.2.2.10: s-maxage forbids it, too, unless the operator lets what is said beside it count.
  const onlyAsSaid = directives.sMaxage !== undefined && policy.staleDespiteSMaxage;
  const neverStale = forbidden || (directives.sMaxage !== undefined && !onlyAsSaid);
  const window = (said: Seconds | undefined, byPolicy: Seconds): Seconds =>
    neverStale ? 0 : (said ?? (onlyAsSaid ? 0 : byPolicy));
  // What was never fresh is to be validated each time: `max-age=0` is how origins ask for that, and so is silence.
  const grace = lifetime.seconds > 0 ? policy.graceSeconds : 0;

  return {
    status: head.status,
    receivedAt: head.receivedAt,
    initialAgeSeconds,
    lifetime,
    freshUntil: head.receivedAt + (lifetime.seconds - initialAgeSeconds) * 1000,
    noCache: directives.noCache,
    neverStale,
    staleWhileRevalidateSeconds: window(directives.staleWhileRevalidate, grace),
    staleIfUnreachableSeconds: window(directives.staleIfError, policy.staleIfUnreachableSeconds),
    staleIfErrorSeconds: window(directives.staleIfError, policy.staleIfErrorSeconds),
    etag: entityTagOf(head.fields),
    lastModified:
      lastModified !== undefined && parseHttpDate(lastModified, head.receivedAt) !== undefined
        ? lastModified
        : undefined,
    dateAt: dateOf(head),
    vary: variesOn(head.fields),
  };
}

/** RFC 9111 §4.2.3: current_age, for the Age field. A clock that was set back makes nothing younger than it came. */
export function currentAge(
  facts: Pick<StoredFacts, 'initialAgeSeconds' | 'receivedAt'>,
  now: number,
): Seconds {
  return facts.initialAgeSeconds + Math.floor(Math.max(0, now - facts.receivedAt) / 1000);
}

/** What remains of its freshness, less than 0 once it is stale. RFC 9211 §2.4. @param now milliseconds */
export function timeToLive(facts: StoredFacts, now: number): number {
  return facts.lifetime.seconds - currentAge(facts, now);
}

/** RFC 9111 §4.2 */
export function isFresh(facts: StoredFacts, now: number): boolean {
  return isWithin(facts, 0, now);
}

/**
 * Whether it is at most so many seconds past its freshness. What came after now came by another clock, or before this
 * one was set back; nobody knows how old it is, so it is not.
 */
export function isWithin(facts: StoredFacts, seconds: Seconds, now: number): boolean {
  return now < facts.freshUntil + seconds * 1000 && now >= facts.receivedAt - CLOCK_SLACK_MS;
}

/** How far clocks that write to one store may differ. */
const CLOCK_SLACK_MS = 60_000;
