import { type Fields, fieldValue } from './fields.ts';
import { listMembers } from './list-members.ts';

/** An entity tag as it is written: `"v1"` or `W/"v1"`. What is written otherwise equals only what is written the same. */
export type EntityTag = string;

/** `undefined` where there is none or several, which say nothing. */
export function entityTagOf(fields: Fields): EntityTag | undefined {
  const value = fieldValue(fields, 'etag');
  if (value === undefined || PLAIN.test(value)) return value;
  const members = listMembers(value);
  return members.length === 1 ? members[0] : undefined;
}

/** One, and nothing else: no comma, no second quote, and no character that means another. */
const PLAIN = /^(?:W\/)?"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]*"$/;

/** RFC 9110 §8.8.3: `"`…`"`. */
export function isStrong(tag: EntityTag): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag);
}

/** RFC 9110 §8.8.3.2: the same, weak or not. */
export function matchesWeakly(a: EntityTag, b: EntityTag): boolean {
  return opaque(a) === opaque(b);
}

/** RFC 9110 §8.8.3.2: the same, and neither is weak. */
export function matchesStrongly(a: EntityTag, b: EntityTag): boolean {
  return a === b && isStrong(a);
}

/** Whether If-None-Match names the tag. RFC 9110 §13.1.2. @param field all lines as one */
export function namesTag(field: string, tag: EntityTag | undefined): boolean {
  if (field.trim() === '*') return true;
  return tag !== undefined && listMembers(field).some((member) => matchesWeakly(member, tag));
}

function opaque(tag: EntityTag): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
