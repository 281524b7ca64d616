import type { Fields } from '../../../http-cache/fields.ts';
import { fieldMembers } from '../../../http-cache/list-members.ts';

/** What was decided upon before the body cannot be said after it. RFC 9110 §6.5.1. */
const NEVER_TRAILING: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expires',
  'host',
  'location',
  'proxy-authorization',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
]);

/** Names of the trailers that a head announces and that may be passed on. */
export function announcedTrailers(fields: Fields): readonly string[] {
  return fieldMembers(fields, 'trailer').filter((name) => !NEVER_TRAILING.has(name.toLowerCase()));
}

/** Of those that came, those that were announced. */
export function admittedTrailers(trailers: Fields, announced: readonly string[]): Fields {
  const names = new Set(announced.map((name) => name.toLowerCase()));
  const kept: string[] = [];
  for (let at = 0; at < trailers.length; at += 2) {
    const name = trailers[at] ?? '';
    if (names.has(name.toLowerCase())) kept.push(name, trailers[at + 1] ?? '');
  }
  return kept;
}
