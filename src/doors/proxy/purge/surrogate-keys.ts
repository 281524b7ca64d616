import { type Fields, fieldLines } from '../../../http-cache/fields.ts';

/** What carries them, in lower case. Said to caches and to no client: the door leaves them out of what it sends on. */
export const SURROGATE_KEY_FIELDS: ReadonlySet<string> = new Set(['surrogate-key', 'cache-tag']);

/** Of a response. */
export const MAX_SURROGATE_KEYS = 1_000;
/** Characters. */
const MAX_SURROGATE_KEY_LENGTH = 1_024;
/** Characters of both fields: what other caches take of one. */
const MAX_FIELDS_LENGTH = 16_384;

const NONE: ReadonlySet<string> = new Set();

/**
 * The keys that a response can be purged by: those of Surrogate-Key, which are separated by spaces, and those of
 * Cache-Tag, which are by commas. Upper and lower case differ.
 * @returns `undefined`: more or longer ones than are kept. Such a response must not be stored, for a purge by a key that
 * was lost would not reach it.
 */
export function surrogateKeys(fields: Fields): ReadonlySet<string> | undefined {
  const keyLines = fieldLines(fields, 'surrogate-key');
  const tagLines = fieldLines(fields, 'cache-tag');
  if (keyLines.length === 0 && tagLines.length === 0) return NONE;
  const length = [...keyLines, ...tagLines].reduce((sum, line) => sum + line.length, 0);
  if (length > MAX_FIELDS_LENGTH) return undefined;
  const keys = new Set([
    ...keyLines.flatMap((line) => line.split(/[ \t]+/)),
    ...tagLines.flatMap((line) => line.split(',').map((tag) => tag.trim())),
  ]);
  keys.delete('');
  if (keys.size > MAX_SURROGATE_KEYS) return undefined;
  for (const key of keys) if (key.length > MAX_SURROGATE_KEY_LENGTH) return undefined;
  return keys;
}

/** Whether a response can have this key, so that it can be purged by it: by one of the fields at least. */
export function isSurrogateKey(text: string): boolean {
  const isWhole = !text.includes(' ') || !text.includes(',');
  return isWhole && text.length <= MAX_SURROGATE_KEY_LENGTH && /^[!-~](?:[ -~]*[!-~])?$/.test(text);
}
