import { isSha256Hex } from './digest.ts';

declare const cacheKeyBrand: unique symbol;

/** What identifies a task's result before it exists: SHA-256 over everything that goes in, as lower-case hex. */
export type CacheKey = string & { readonly [cacheKeyBrand]: true };

/** `undefined` where the text is not 64 lower-case hex digits. */
export function parseCacheKey(text: string): CacheKey | undefined {
  return isSha256Hex(text) ? (text as CacheKey) : undefined;
}
