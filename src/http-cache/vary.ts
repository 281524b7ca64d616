import { ownText } from '../base/own-text.ts';
import { rememberedLines } from '../base/remembered.ts';
import { type Fields, fieldLines, hasField } from './fields.ts';
import { fieldMembers, listMembers } from './list-members.ts';
import type { CachePolicy } from './policy.ts';
import { preferences } from './preferences.ts';

/** The request fields that a response was chosen by, in lower case, sorted; `everything` is `*`. RFC 9110 §12.5.5. */
export type Vary = 'everything' | readonly string[];

/** What a request says in those fields, in their order; `null` where it is silent. Equal keys choose alike. */
export type SecondaryKey = readonly (string | null)[];

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Preferences of which each member carries its weight. RFC 9110 §12.5. */
const PREFERENCES: ReadonlySet<string> = new Set(['accept-charset', 'accept-encoding', 'accept-language']);

/** Not lists: a comma in them parts nothing, and no space may be taken away. */
const NO_LISTS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'date',
  'host',
  'if-modified-since',
  'origin',
  'referer',
  'user-agent',
]);

/** What cannot be a name means everything: better no reuse than a wrong one. RFC 9111 §4.1. */
export function variesOn(fields: Fields): Vary {
  return saidIn(fieldLines(fields, 'vary'));
}

const saidIn = rememberedLines((lines): Vary => {
  const names = new Set(lines.flatMap(listMembers).map((name) => name.toLowerCase()));
  if (names.has('*')) return 'everything';
  const sorted = [...names].sort();
  return sorted.every((name) => TOKEN.test(name)) ? sorted : 'everything';
});

/** RFC 9111 §4.1: lines are combined, and space is dropped, and order ignored, where they mean nothing. */
export function secondaryKey(
  vary: readonly string[],
  request: Fields,
  policy: Pick<CachePolicy, 'matchesLanguages'>,
): SecondaryKey {
  return vary.map((name) => (hasField(request, name) ? ownText(normalised(name, request, policy)) : null));
}

function normalised(
  name: string,
  request: Fields,
  { matchesLanguages }: Pick<CachePolicy, 'matchesLanguages'>,
): string {
  if (NO_LISTS.has(name)) return fieldLines(request, name).join('\n');
  if (!PREFERENCES.has(name)) return fieldMembers(request, name).join(',');
  const members = preferences(request, name).map(({ value, weight }) => `${value};q=${weight}`);
  // Languages of one weight are a set to the RFC, but there are origins that take the first.
  const hasOrder = name === 'accept-language' && !matchesLanguages;
  return (hasOrder ? members : [...new Set(members)].sort()).join(',');
}
