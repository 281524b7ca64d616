/** Longer texts are cut before they are looked through, at a blank, so that no half of a secret is left at the end. */
const MOST_LOOKED_AT = 8 * 1024;
const MOST_KEPT = 1024;

const NAMES = '(?:auth|credential|key|password|secret|sig|signature|token)';
const RULES: readonly (readonly [RegExp, string])[] = [
  [/\?[^\s"'`<>)\]}]+/g, '?***'], // a query: signed URLs carry their signature there
  [/\/\/[^\s/@]{1,256}@/g, '//***@'],
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, '$1 ***'],
  [/\beyJ[\w-]+\.[\w.-]+/g, '***'], // a JSON Web Token
  [new RegExp(`([\\w-]{0,40}${NAMES}[\\w-]{0,40}["']?\\s*[=:]\\s*["']?)[^\\s"'&,;}]+`, 'gi'), '$1***'],
];

/** A text without what opens doors, for where it leaves this machine: queries of URLs, their passwords, tokens, named secrets. */
export function maskText(text: string): string {
  let masked =
    text.length > MOST_LOOKED_AT ? text.slice(0, Math.max(0, text.lastIndexOf(' ', MOST_LOOKED_AT))) : text;
  for (const [pattern, mask] of RULES) masked = masked.replaceAll(pattern, mask);
  return masked.length > MOST_KEPT ? `${masked.slice(0, MOST_KEPT)}…` : masked;
}
