import { namesTag } from './entity-tag.ts';
import { type Fields, fieldValue, filterFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import type { StoredFacts } from './stored-facts.ts';

/** What describes the content that a 304 does not have. RFC 9110 §15.4.5. */
const OF_CONTENT: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
]);

/**
 * Whether the client has already what would be sent. RFC 9111 §4.3.2; for GET and HEAD, whose stored response may be
 * reused.
 */
export function isNotModified(request: Fields, stored: StoredFacts): boolean {
  // RFC 9110 §13.2.1: conditions are about successes.
  if (stored.status < 200 || stored.status > 299) return false;
  const tags = fieldValue(request, 'if-none-match');
  // RFC 9110 §13.1.3: beside If-None-Match the date does not count.
  if (tags !== undefined) return namesTag(tags, stored.etag);
  const since = fieldValue(request, 'if-modified-since');
  const sinceAt = since === undefined ? undefined : parseHttpDate(since, stored.receivedAt);
  if (sinceAt === undefined) return false;
  // §4.3.2: without Last-Modified, the Date.
  const modifiedAt =
    (stored.lastModified === undefined ? undefined : parseHttpDate(stored.lastModified, stored.receivedAt)) ??
    Math.floor(stored.dateAt / 1000) * 1000;
  return modifiedAt <= sinceAt;
}

/** The fields of a 304 made of a stored response. RFC 9110 §15.4.5. */
export function notModifiedFields(stored: Fields): Fields {
  return filterFields(stored, (name) => !OF_CONTENT.has(name));
}
