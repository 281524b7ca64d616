/**
 * Dictionaries of Structured Fields, RFC 8941 §4.2.2, to the letter: one wrong character, and there is no dictionary.
 * Parameters are checked and dropped; of inner lists no more than their being there is told.
 */

export type BareItem =
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'string' | 'token' | 'bytes'; readonly value: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'inner-list' };

/** Of a key that comes twice the last value counts, RFC 8941 §3.2. An empty field is an empty dictionary. */
export type Dictionary = ReadonlyMap<string, BareItem>;

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y;
const BYTES = /:[A-Za-z0-9+/=]*:/y;
const BOOLEAN = /\?[01]/y;
const SPACES = / */y;
const BLANKS = /[ \t]*/y;

/** @param lines all lines of the field. `undefined`: not a dictionary */
export function parseDictionary(lines: readonly string[]): Dictionary | undefined {
  const cursor = new Cursor(withoutOuterSpaces(lines.join(', ')));
  const dictionary = new Map<string, BareItem>();
  while (!cursor.isAtEnd) {
    const key = cursor.take(KEY);
    const item = key === undefined ? undefined : takeValue(cursor);
    if (key === undefined || !item) return undefined;
    dictionary.delete(key);
    dictionary.set(key, item);
    cursor.take(BLANKS);
    if (cursor.isAtEnd) break;
    if (!cursor.takes(',')) return undefined;
    cursor.take(BLANKS);
    if (cursor.isAtEnd) return undefined; // a comma with nothing behind it
  }
  return dictionary;
}

/** `=value;parameters`, or parameters alone, which means true. */
function takeValue(cursor: Cursor): BareItem | undefined {
  if (!cursor.takes('=')) return takeParameters(cursor) ? { type: 'boolean', value: true } : undefined;
  const item = cursor.takes('(') ? takeInnerList(cursor) : takeBareItem(cursor);
  return item && takeParameters(cursor) ? item : undefined;
}

function takeInnerList(cursor: Cursor): BareItem | undefined {
  for (;;) {
    const spaces = cursor.take(SPACES);
    if (cursor.takes(')')) return { type: 'inner-list' };
    if (!cursor.justBegan('(') && spaces === '') return undefined; // items are parted by spaces
    if (!takeBareItem(cursor) || !takeParameters(cursor)) return undefined;
  }
}

function takeParameters(cursor: Cursor): boolean {
  while (cursor.takes(';')) {
    cursor.take(SPACES);
    if (cursor.take(KEY) === undefined) return false;
    if (cursor.takes('=') && !takeBareItem(cursor)) return false;
  }
  return true;
}

function takeBareItem(cursor: Cursor): BareItem | undefined {
  const number = cursor.take(NUMBER);
  if (number !== undefined)
    return { type: number.includes('.') ? 'decimal' : 'integer', value: Number(number) };
  const string = cursor.take(STRING);
  if (string !== undefined) return { type: 'string', value: string.slice(1, -1).replace(/\\(.)/g, '$1') };
  const token = cursor.take(TOKEN);
  if (token !== undefined) return { type: 'token', value: token };
  const boolean = cursor.take(BOOLEAN);
  if (boolean !== undefined) return { type: 'boolean', value: boolean === '?1' };
  const bytes = cursor.take(BYTES);
  return bytes === undefined ? undefined : { type: 'bytes', value: bytes.slice(1, -1) };
}

/** RFC 8941 §4.2; of tabs it says nothing. */
function withoutOuterSpaces(text: string): string {
  let [start, end] = [0, text.length];
  while (text[start] === ' ') start++;
  while (end > start && text[end - 1] === ' ') end--;
  return text.slice(start, end);
}

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  justBegan(character: string): boolean {
    return this.#text[this.#at - 1] === character;
  }

  takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** @param pattern sticky; what matches it here, and the cursor behind it */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }
}
