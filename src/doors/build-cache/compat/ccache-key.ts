/**
 * The key of a ccache entry as its layouts spell it. It is a digest of 20 bytes, written in hex or, up to ccache 4.8, as
 * four digits of hex and 29 of base32hex (RFC 4648 §7, lower case, no padding); for servers that want a SHA-256 the hex is
 * begun anew until there are 64 digits. All of these spell one key: 40 digits of hex.
 */
const HEX = /^[0-9a-f]{40}$/;
const HEX_AND_BASE32 = /^([0-9a-f]{4})([0-9a-v]{29})$/;
const REPEATED = /^([0-9a-f]{24})[0-9a-f]{16}\1$/;
/** Of a version that is not known yet, say; it has one spelling only. */
const ANY = /^[0-9a-z]{32,66}$/;

/** `undefined` where the text is no key. */
export function parseCcacheKey(text: string): string | undefined {
  if (HEX.test(text)) return text;
  const [, start, rest] = HEX_AND_BASE32.exec(text) ?? [];
  const decoded = rest === undefined ? undefined : hexOfBase32(rest);
  if (decoded !== undefined) return `${start}${decoded}`;
  if (REPEATED.test(text)) return text.slice(0, 40);
  return ANY.test(text) ? text : undefined;
}

/** `undefined` where bits are left over that are not 0: that spells nothing else's key anew. */
function hexOfBase32(digits: string): string | undefined {
  const value = [...digits].reduce((sum, digit) => sum * 32n + BigInt(Number.parseInt(digit, 32)), 0n);
  const spareBits = BigInt((digits.length * 5) % 8);
  if (value % (1n << spareBits) !== 0n) return undefined;
  return (value >> spareBits).toString(16).padStart(Math.floor((digits.length * 5) / 8) * 2, '0');
}
