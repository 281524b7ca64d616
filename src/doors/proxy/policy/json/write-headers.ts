import type { Fields } from '../../../../http-cache/fields.ts';

/** Most values: no quote, backslash, control character or half of a surrogate pair. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;
/** Names that were met, so that not each is made small and quoted again; whoever sends new ones fills no memory. */
const MAX_NAMES = 1000;
const names = new Map<string, string>();
/** A stored answer's fields are asked about at each hit, a request's at each hook. */
const written = new WeakMap<Fields, string>();

/** Values by name in lower case, so that a guest finds one without looking at all: a list of its lines, in order. */
export function writeHeaders(fields: Fields): string {
  const known = written.get(fields);
  if (known !== undefined) return known;
  const text = write(fields);
  written.set(fields, text);
  return text;
}

/** By hand, because `JSON.stringify` of objects whose keys are always others takes more than twice as long. */
function write(fields: Fields): string {
  const keys: string[] = [];
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const key = keyOf(fields[at] ?? '');
    const value = writeText(fields[at + 1] ?? '');
    const before = keys.indexOf(key);
    if (before < 0) {
      keys.push(key);
      lines.push(value);
    } else lines[before] += `,${value}`;
  }
  return `{${keys.map((key, at) => `${key}:[${lines[at]}]`).join(',')}}`;
}

function keyOf(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const key = writeText(name.toLowerCase());
  if (names.size < MAX_NAMES) names.set(name, key);
  return key;
}

export function writeText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
