export const NAME_EXPECTS =
  'a name of 1 to 64 of a-z, 0-9, ".", "_" and "-" that begins with a letter or digit and does not end in a dot';

/**
 * Whether a text can name a tenant or a scope. Names become parts of object keys: they hold no slash,
 * and no dot at the end, where Azure and Windows take `a.` for `a` and would make two scopes one.
 */
export function isScopeName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9_-])?$/.test(text);
}
