import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type Digest, isSha256Hex } from '../base/digest.ts';
import { messageOf } from '../base/errors.ts';
import { checkShape } from '../config/check-shape.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { parseYaml } from '../config/yaml-file.ts';
import type { KnownToken } from './bearer.ts';
import { issuerEntry, toIssuer } from './oidc-entry.ts';
import type { OidcIssuer } from './oidc-rules.ts';
import { checkTerms, scopeName, termsFields, toTerms } from './terms-entry.ts';
import { maskTokens } from './token.ts';

const SHA256_EXPECTS = 'expected the SHA-256 of a token, 64 lower-case hex digits; never the token itself';
const ID_EXPECTS = 'expected 1 to 64 of a-z, 0-9 and "-"';
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/;
const DATE_EXPECTS = 'expected a day or an instant in UTC, as 2027-01-31 or 2027-01-31T12:00:00Z';

/** One token of the file, as it is written. */
const entry = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]{1,64}$/, ID_EXPECTS),
    sha256: z.string().refine(isSha256Hex, SHA256_EXPECTS),
    ...termsFields(scopeName),
    expires: z
      .string()
      .refine((text) => DATE.test(text) && !Number.isNaN(Date.parse(text)), DATE_EXPECTS)
      .optional(),
    note: z.string().optional(),
  })
  .superRefine(checkTerms);
type Entry = z.infer<typeof entry>;

const file = z
  .strictObject({ tokens: z.array(entry).nullish(), oidc: z.array(issuerEntry).nullish() })
  .superRefine(({ tokens, oidc }, context) => {
    if (tokens === undefined && oidc === undefined) {
      const message = 'is missing; expected a list, or "oidc" in its place';
      context.addIssue({ code: 'custom', message, path: ['tokens'] });
    }
    const once = (list: string, field: string, values: readonly unknown[]): void => {
      for (const [index, value] of values.entries()) {
        if (values.indexOf(value) === index) continue;
        const path = [list, index, field];
        context.addIssue({ code: 'custom', message: 'is there twice', path, input: value });
      }
    };
    once('tokens', 'id', tokens?.map(({ id }) => id) ?? []);
    once('tokens', 'sha256', tokens?.map(({ sha256 }) => sha256) ?? []);
    once('oidc', 'issuer', oidc?.map(({ issuer }) => issuer) ?? []);
  });

/** What a checked file says of one token, for lists of them. */
export interface TokenRow extends KnownToken {
  readonly note: string | undefined;
}

/** Who is let in, as a file says it. */
export interface TokenFile {
  readonly tokens: readonly TokenRow[];
  /** Whose word is taken for who somebody is. */
  readonly issuers: readonly OidcIssuer[];
}

/** What a file says; all of its mistakes at once, and in none of them a token that was put there by mistake. */
export function readTokenFile(path: string): Checked<TokenFile> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { ok: false, mistakes: [{ message: `cannot be read: ${messageOf(error)}`, source: path }] };
  }
  return parseTokenFile(path, text);
}

/** @param name what the file is called in mistakes */
export function parseTokenFile(name: string, text: string): Checked<TokenFile> {
  const parsed = parseYaml(name, text, {}, { numbers: 'as-written' });
  if (!parsed.ok) return withoutTokens(text, parsed);
  const { data, unsetVariables } = parsed.value;
  // A file that holds nothing but a secret, named here by mistake, must not be quoted.
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return {
      ok: false,
      mistakes: [{ message: 'is no token file: expected a map with "tokens" or "oidc"', source: name }],
    };
  }
  const [unset] = unsetVariables;
  if (unset !== undefined) {
    const message = `variables are not filled in here: write {${unset}} for a claim, $\${…} nowhere`;
    return { ok: false, mistakes: [{ message, source: name }] };
  }
  const checked = checkShape(parsed.value, file);
  if (!checked.ok) return withoutTokens(text, checked);
  const { tokens, oidc } = checked.value;
  return { ok: true, value: { tokens: (tokens ?? []).map(toRow), issuers: (oidc ?? []).map(toIssuer) } };
}

function toRow({ id, sha256, expires, note, ...terms }: Entry): TokenRow {
  const expiresAt = expires === undefined ? undefined : Date.parse(expires);
  return { sha256: sha256 as Digest, note, access: { id, expiresAt, ...toTerms(terms) } };
}

/** The lines around a mistake are shown; where a token stands in the file, the place alone is told. */
function withoutTokens(
  text: string,
  { mistakes }: { readonly mistakes: readonly Mistake[] },
): Checked<never> {
  if (maskTokens(text) === text) return { ok: false, mistakes };
  return {
    ok: false,
    mistakes: mistakes.map(({ message, position, ...rest }) => ({
      ...rest,
      message: maskTokens(message),
      ...(position && { source: `${position.file}:${position.line}:${position.column}` }),
    })),
  };
}
