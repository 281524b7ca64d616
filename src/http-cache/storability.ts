import { parseContentRange, spanLength } from '../base/byte-range.ts';
import { resolveReference } from './cache-uri.ts';
import type { ResponseDirectives } from './directives.ts';
import { endToEnd, INDISPENSABLE } from './end-to-end.ts';
import { type ResponseHead, spokenDirectives } from './exchange.ts';
import { type Fields, fieldValue, hasField, withField, withoutFields } from './fields.ts';
import { isHeuristicallyCacheable } from './freshness.ts';
import { formatHttpDate, parseHttpDate } from './http-date.ts';
import type { CachePolicy } from './policy.ts';
import type { RequestHead } from './request-facts.ts';
import { storedFacts } from './stored-facts.ts';
import { variesOn } from './vary.ts';

/** Why a response is not stored; appears unchanged in logs and in Cache-Status. */
export type NotStored =
  | 'method'
  | 'interim'
  | 'answers-a-condition'
  | 'answers-a-range'
  | 'status-not-understood'
  | 'request-no-store'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'vary-star'
  | 'part-unclear'
  | 'not-cacheable'
  | 'nothing-to-reuse';

/** `part`: a 206, of which no more is there than its Content-Range says. */
export type Storability =
  | { readonly kind: 'store'; readonly as: 'whole' | 'part' }
  | { readonly kind: 'refuse'; readonly reason: NotStored };

/** Statuses of which this cache knows all that bears on caching. RFC 9111 §3 on must-understand. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 410, 414, 415, 421, 429,
  451, 500, 501, 502, 503, 504,
]);

/**
 * Whether a shared cache may keep a response, and would ever use it. RFC 9111 §3. The body has still to arrive whole:
 * `isWholeBody`.
 * @param response with all fields that came, those of the connection too
 */
export function storability(request: RequestHead, response: ResponseHead, policy: CachePolicy): Storability {
  const { directives } = spokenDirectives(response.fields, policy.targetedFields);
  const { status, fields } = response;

  // §3: "the request method is understood by the cache"; for the rest see below.
  if (request.method !== 'GET' && !isLikeGet(request, response)) return no('method');
  // §3: "the response status code is final"
  if (status < 200) return no('interim');
  // RFC 9110 §15.4.5, §15.5.13: about the copy of whoever asked, not the resource.
  if (status === 304 || status === 412) return no('answers-a-condition');
  // RFC 9110 §14.2: what came of a Range says nothing of the resource, unless it is the part or the whole.
  if (hasField(request.fields, 'range') && status !== 206 && status !== 200) return no('answers-a-range');
  if (status === 416) return no('answers-a-range');
  // §5.2.2.3: must-understand; where it is understood, it lifts no-store.
  if (directives.mustUnderstand && !UNDERSTOOD.has(status)) return no('status-not-understood');
  // §5.2.1.5
  if (request.facts.directives?.noStore) return no('request-no-store');
  // §5.2.2.5
  if (directives.noStore && !directives.mustUnderstand) return no('no-store');
  // §5.2.2.7
  if (directives.private) return no('private');
  // §3.5
  if (hasField(request.fields, 'authorization') && !permitsAuthorized(directives)) return no('authorization');
  // §7.3, where the operator wants more than the origin.
  if (policy.neverWithSetCookie && hasField(fields, 'set-cookie')) return no('set-cookie');
  // §4.1: it would match no request, ever.
  if (variesOn(fields) === 'everything') return no('vary-star');
  // §3.3: one part that says which; several, or one that contradicts itself, are not put together.
  if (status === 206 && !isClearPart(fields)) return no('part-unclear');
  return usefulness(request, response, directives, policy);
}

/**
 * Whether a response may stay after a 304 or a HEAD has freshened it, which can say `no-store` as well as any other.
 * @param freshened with its own status and the fields that are to be stored
 */
export function mayStay(request: RequestHead, freshened: ResponseHead, policy: CachePolicy): boolean {
  const { directives } = spokenDirectives(freshened.fields, policy.targetedFields);
  if (directives.noStore && !directives.mustUnderstand) return false;
  if (directives.private || variesOn(freshened.fields) === 'everything') return false;
  return !hasField(request.fields, 'authorization') || permitsAuthorized(directives);
}

/**
 * What is kept of the fields: not what was about the connection (§3.1), nor what `no-cache` or `private` name (§5.2.2.4,
 * §5.2.2.7). A Date is added where there is none. RFC 9110 §6.6.1.
 */
export function fieldsToStore(response: ResponseHead, policy: CachePolicy): Fields {
  const { directives } = spokenDirectives(response.fields, policy.targetedFields);
  const named = [...directives.noCacheFields, ...directives.privateFields];
  const all = endToEnd(response.fields);
  const kept =
    named.length === 0 ? all : withoutFields(all, new Set(named.filter((name) => !INDISPENSABLE.has(name))));
  const date = fieldValue(kept, 'date');
  return date !== undefined && parseHttpDate(date, response.receivedAt) !== undefined
    ? kept
    : withField(kept, 'Date', formatHttpDate(response.receivedAt));
}

/**
 * §3.3: whether a body came as whole as its head said. What was cut short is not stored.
 * @param endedCleanly as the framing of the message tells: the last chunk came, or the connection was closed in order
 */
export function isWholeBody(
  { status, fields }: Pick<ResponseHead, 'status' | 'fields'>,
  receivedBytes: number,
  endedCleanly: boolean,
): boolean {
  if (!endedCleanly) return false;
  if (status === 206 && spanOf(fields) !== receivedBytes) return false;
  const announced = fieldValue(fields, 'content-length');
  return announced === undefined || Number(announced) === receivedBytes;
}

/** A POST that says of its answer that a GET would get the same. RFC 9110 §9.3.3. */
function isLikeGet(request: RequestHead, { fields, status }: ResponseHead): boolean {
  if (request.method !== 'POST' || status !== 200) return false;
  const location = fieldValue(fields, 'content-location');
  return location !== undefined && resolveReference(location, request.uri) === request.uri;
}

/** RFC 9111 §3.5 */
function permitsAuthorized(directives: ResponseDirectives): boolean {
  return directives.public || directives.mustRevalidate || directives.sMaxage !== undefined;
}

function isClearPart(fields: Fields): boolean {
  const bytes = spanOf(fields);
  const announced = fieldValue(fields, 'content-length');
  return bytes !== undefined && (announced === undefined || Number(announced) === bytes);
}

/** How many bytes Content-Range speaks of. */
function spanOf(fields: Fields): number | undefined {
  const range = parseContentRange(fieldValue(fields, 'content-range') ?? '');
  return range && spanLength(range.span);
}

/** The last of §3: something has to say that it may be reused; and there must be a way in which it could be. */
function usefulness(
  request: RequestHead,
  response: ResponseHead,
  directives: ResponseDirectives,
  policy: CachePolicy,
): Storability {
  const facts = storedFacts(response, policy);
  const isExplicit = facts.lifetime.source !== 'none' && facts.lifetime.source !== 'heuristic';
  // RFC 9110 §9.3.3: of a POST it has to be said.
  if (!isExplicit && request.method === 'POST') return no('method');
  // §7.3 leaves cookies to those who say how long a response lasts; of others nobody has thought of a cache.
  if (!isExplicit && hasField(response.fields, 'set-cookie')) return no('set-cookie');
  if (!isExplicit && !isHeuristicallyCacheable(response.status, directives)) return no('not-cacheable');

  const canBeValidated = facts.etag !== undefined || facts.lastModified !== undefined;
  const isEverFresh = facts.lifetime.seconds > facts.initialAgeSeconds && !facts.noCache;
  const staleSeconds = Math.max(directives.staleWhileRevalidate ?? 0, directives.staleIfError ?? 0);
  const isUsefulStale = !facts.neverStale && staleSeconds > 0;
  if (!canBeValidated && !isEverFresh && !isUsefulStale) return no('nothing-to-reuse');
  return { kind: 'store', as: response.status === 206 ? 'part' : 'whole' };
}

function no(reason: NotStored): Storability {
  return { kind: 'refuse', reason };
}
