import { isStrong } from './entity-tag.ts';
import { type Fields, withoutFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import type { StoredFacts } from './stored-facts.ts';

/** Those of a client, which are about its own copy. */
const CONDITIONS: ReadonlySet<string> = new Set([
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
]);

/** Whether a request is about a client's own copy, or a part: what answers it answers no other of the same address. */
export function isConditional(request: Fields): boolean {
  for (let at = 0; at < request.length; at += 2)
    if (CONDITIONS.has((request[at] ?? '').toLowerCase())) return true;
  return false;
}

/** A request's fields stay small, however many variants there are. */
const MOST_TAGS = 16;

/**
 * The request that validates what is stored: the client's without its own conditions and Range, which are answered from
 * what comes back, with the conditions of the cache. RFC 9111 §4.3.1.
 * @param stored what is asked about, the best match first; of those no parts, unless they hold all the request wants
 */
export function validatingFields(request: Fields, stored: readonly StoredFacts[]): Fields {
  const fields = [...withoutFields(request, CONDITIONS)];
  const [first] = stored;
  // Without a tag its date is all there is, and beside tags of others no origin would look at that. RFC 9110 §13.1.3.
  const tags =
    first !== undefined && first.etag === undefined && first.lastModified !== undefined ? [] : tagsOf(stored);
  if (tags.length > 0) fields.push('If-None-Match', tags.join(', '));
  if (first?.lastModified !== undefined) fields.push('If-Modified-Since', first.lastModified);
  return fields;
}

/**
 * What tells whether a part belongs to the same bytes, for If-Range; `undefined`: nothing does. A date does if it is at
 * least a minute older than the response, so that nothing changed within its second. RFC 9110 §8.8.2.2, §13.1.5.
 */
export function strongValidator({ etag, lastModified, dateAt }: StoredFacts): string | undefined {
  if (etag !== undefined) return isStrong(etag) ? etag : undefined;
  if (lastModified === undefined) return undefined;
  const modifiedAt = parseHttpDate(lastModified, dateAt);
  return modifiedAt !== undefined && dateAt - modifiedAt >= CERTAIN_MS ? lastModified : undefined;
}

const CERTAIN_MS = 60_000;

function tagsOf(stored: readonly StoredFacts[]): readonly string[] {
  const tags = stored.map(({ etag }) => etag).filter((etag) => etag !== undefined);
  return [...new Set(tags)].slice(0, MOST_TAGS);
}
