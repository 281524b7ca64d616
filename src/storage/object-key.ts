import { VelocityError } from '../base/errors.ts';

declare const objectKeyBrand: unique symbol;

/**
 * The name of an object in a store: 1 to 1,024 bytes of UTF-8, segments parted by `/`.
 * Made by `parseObjectKey` and `asObjectKey` alone, so a value of this type holds no `..`, no empty
 * segment, no NUL or control character, no backslash and no leading slash.
 */
export type ObjectKey = string & { readonly [objectKeyBrand]: true };

/** S3's limit, the smallest among the backends. */
const MAX_KEY_BYTES = 1024;

/** Why a text cannot be a key, as the end of a sentence; `undefined` where it can. */
export function keyRefusal(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (!text.isWellFormed()) return 'it is not well-formed Unicode';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(text)) return 'it holds a control character or a backslash';
  for (const segment of text.split('/')) {
    if (segment === '') return 'it has an empty segment (a leading, trailing or double slash)';
    if (segment === '.' || segment === '..') return `it has the segment "${segment}"`;
  }
  return undefined;
}

/** @throws VelocityError `INVALID_KEY` */
export function parseObjectKey(text: string): ObjectKey {
  const refusal = keyRefusal(text);
  if (refusal !== undefined) {
    throw new VelocityError('INVALID_KEY', `The key cannot be used: ${refusal}.`, { field: 'key' });
  }
  return text as ObjectKey;
}

/** `undefined` where the text is no key: a backend may hold more than this store put there. */
export function asObjectKey(text: string): ObjectKey | undefined {
  return keyRefusal(text) === undefined ? (text as ObjectKey) : undefined;
}
