/** What an issuer says of a bearer, each claim as text. Lists and maps are not among them. */
export type Claims = Readonly<Record<string, string>>;

/** Numbers and flags become what they are in JSON, so that a rule can say `4711` for either. */
export function textClaims(payload: Readonly<Record<string, unknown>>): Claims {
  const texts = Object.entries(payload).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[name, String(value)] as const]
      : [],
  );
  return Object.fromEntries(texts);
}
