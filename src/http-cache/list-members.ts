import { type Fields, fieldLines } from './fields.ts';

/**
 * Behind these, as at the start of a member, a quote begins a string. Elsewhere it is a character like any other, so
 * that it hides no comma.
 */
const BEFORE_STRING = new Set(['=', '/']);

/**
 * The members of a list, trimmed and without empty ones. RFC 9110 §5.6.1.2. A comma in a quoted string parts nothing;
 * a quote that is never closed begins no string, so what follows it is still seen.
 */
export function listMembers(value: string): readonly string[] {
  const members: string[] = [];
  let start = 0;
  let isBlank = true;
  let knowsUnclosed = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? '';
    if (character === ',') {
      pushMember(members, value.slice(start, at));
      start = at + 1;
      isBlank = true;
      continue;
    }
    if (character === '"' && !knowsUnclosed && (isBlank || BEFORE_STRING.has(value[at - 1] ?? ''))) {
      const end = endOfString(value, at);
      if (end === undefined) knowsUnclosed = true;
      else at = end;
    }
    if (character !== ' ' && character !== '\t') isBlank = false;
  }
  pushMember(members, value.slice(start));
  return members;
}

/** The members of all lines of a name. Each line is read for itself: no quote reaches from one into the next. */
export function fieldMembers(fields: Fields, name: string): readonly string[] {
  return fieldLines(fields, name).flatMap(listMembers);
}

/** A quoted string as the text it means, anything else as it is. RFC 9110 §5.6.4. */
export function unquoted(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || endOfString(text, 0) !== text.length - 1) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/** Where the quote is that closes the one at `from`; `undefined`: nowhere. */
function endOfString(value: string, from: number): number | undefined {
  for (let at = from + 1; at < value.length; at++) {
    if (value[at] === '\\') at++;
    else if (value[at] === '"') return at;
  }
  return undefined;
}

function pushMember(members: string[], text: string): void {
  const member = text.trim();
  if (member !== '') members.push(member);
}
