import { entityTagOf, matchesWeakly } from './entity-tag.ts';
import type { ResponseHead } from './exchange.ts';
import { type Fields, fieldValue } from './fields.ts';
import type { StoredFacts } from './stored-facts.ts';

/** `freshen`: take its fields as a 304's. `outdate`: the stored response is another one now. */
export type HeadEffect = 'freshen' | 'outdate' | 'none';

/**
 * What the answer to a HEAD does to the stored response to a GET that could have answered it. RFC 9111 §4.3.5.
 * @param fields those that are stored
 */
export function headEffect(stored: StoredFacts, fields: Fields, answer: ResponseHead): HeadEffect {
  // Only of a 200 does the RFC say that it is what a GET would have got; and only a 200 is compared with it.
  if (answer.status !== 200 || stored.status !== 200) return 'none';
  const tag = entityTagOf(answer.fields);
  const modified = fieldValue(answer.fields, 'last-modified');
  const length = fieldValue(answer.fields, 'content-length');
  if (tag !== undefined && (stored.etag === undefined || !matchesWeakly(tag, stored.etag))) return 'outdate';
  if (modified !== undefined && modified !== stored.lastModified) return 'outdate';
  if (length !== undefined && length !== fieldValue(fields, 'content-length')) return 'outdate';
  // An answer that has none of these could be about anything.
  return tag === undefined && modified === undefined && length === undefined ? 'outdate' : 'freshen';
}
