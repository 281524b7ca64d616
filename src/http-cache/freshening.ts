import { endToEnd } from './end-to-end.ts';
import { entityTagOf, isStrong, matchesStrongly, matchesWeakly } from './entity-tag.ts';
import type { ResponseHead } from './exchange.ts';
import { type Fields, fieldNames, fieldValue, filterFields } from './fields.ts';
import type { CachePolicy } from './policy.ts';
import { fieldsToStore } from './storability.ts';
import type { StoredFacts } from './stored-facts.ts';

/** What the stored bytes are. A 304 carries none, so it cannot make them others. RFC 9111 §3.2. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'etag',
]);

/**
 * Which of the responses that were asked about a 304 is about. `undefined`: none can be told, so nothing is freshened,
 * and what the client wants has to be asked for without conditions. RFC 9111 §4.3.4.
 * @param asked those whose validators were sent, the best match first
 */
export function freshenedBy<S extends { readonly facts: StoredFacts }>(
  asked: readonly S[],
  notModified: Fields,
): S | undefined {
  const tag = entityTagOf(notModified);
  if (tag !== undefined) {
    // A strong validator is that of the same bytes; of those with a weak one, the youngest is meant.
    const same = isStrong(tag) ? matchesStrongly : matchesWeakly;
    return youngest(asked.filter(({ facts }) => facts.etag !== undefined && same(tag, facts.etag)));
  }
  const modified = fieldValue(notModified, 'last-modified');
  if (modified !== undefined) return asked.find(({ facts }) => facts.lastModified === modified);
  // No validator at all: it can only mean the one that was asked about.
  return asked.length === 1 ? asked[0] : undefined;
}

/**
 * The stored response with the fields of a 304, or of a HEAD that agrees, in their place, to be stored in turn.
 * RFC 9111 §3.2. All lines of a name go together. The Age that was stored goes in any case: age is counted anew.
 */
export function freshened(
  stored: Pick<ResponseHead, 'status' | 'fields'>,
  update: ResponseHead,
  policy: CachePolicy,
): ResponseHead {
  const renewed = filterFields(endToEnd(update.fields), (name) => !OF_THE_BYTES.has(name));
  const names = fieldNames(renewed);
  const replaced = names.has('date') ? ['age'] : ['age', 'date'];
  const kept = filterFields(stored.fields, (name) => !names.has(name) && !replaced.includes(name));
  const head = { ...update, status: stored.status, fields: [...kept, ...renewed] };
  return { ...head, fields: fieldsToStore(head, policy) };
}

function youngest<S extends { readonly facts: StoredFacts }>(candidates: readonly S[]): S | undefined {
  return candidates.toSorted((a, b) => b.facts.dateAt - a.facts.dateAt)[0];
}
