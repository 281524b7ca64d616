/** What an issuer says of a bearer, each claim as text. Lists and maps are not among them. */
export type Claims = Readonly<Record<string, string>>;

/**
 * Numbers and flags become what they are in JSON, so that a rule can say `4711` for either. Whole numbers from 2^53 on
 * were rounded when the JSON was read, so that two ids may have become one: they are left out.
 */
export function textClaims(payload: Readonly<Record<string, unknown>>): Claims {
  const texts = Object.entries(payload).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'boolean' || isExactNumber(value)
      ? [[name, String(value)] as const]
      : [],
  );
  return Object.fromEntries(texts);
}

function isExactNumber(value: unknown): value is number {
  return typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value));
}
