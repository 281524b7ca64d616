import type { Access, Right } from './access.ts';
import type { Claims } from './claims.ts';
import type { TokenLimits } from './limits/token-limits.ts';
import { fillScope } from './scope-template.ts';

/** When a token of an issuer opens what. All of `when` must hold; the first rule that fits decides. */
export interface OidcRule {
  /**
   * Claims and the texts they must be, of a list one; a text that ends in `*` stands for all that begin so.
   * Immutable ids (`repository_id`) before names, which may come to belong to somebody else.
   */
  readonly when: Readonly<Record<string, readonly string[]>>;
  readonly tenant: string;
  /** A scope, or `pr-{ref}` with claims filled in; `undefined` writes nothing. */
  readonly writeScope: string | undefined;
  /** Scopes in the order they are looked at, likewise. */
  readonly readScopes: readonly string[];
  readonly rights: ReadonlySet<Right>;
  readonly limits?: TokenLimits;
}

export interface OidcIssuer {
  /** As in the token's `iss`, to the letter. */
  readonly issuer: string;
  /** What the token's `aud` must hold: this server's own name, so that tokens for others open nothing here. */
  readonly audience: string;
  /** Where the keys are; without it, where the issuer's discovery document says. */
  readonly jwksUri?: string | undefined;
  readonly rules: readonly OidcRule[];
}

/**
 * What claims that were verified open, by the issuer's rules.
 * @param expiresAt milliseconds since the epoch
 * @returns `undefined` where no rule fits
 */
export function grant({ issuer, rules }: OidcIssuer, claims: Claims, expiresAt: number): Access | undefined {
  const rule = rules.find(({ when }) => Object.entries(when).every((term) => holds(term, claims)));
  if (!rule) return undefined;
  const { when: _, ...terms } = rule;
  const writeScope = terms.writeScope === undefined ? undefined : fillScope(terms.writeScope, claims);
  const readScopes = terms.readScopes.map((template) => fillScope(template, claims));
  // A claim that a scope is made of and that is not there: no rule can have meant this token.
  if (terms.writeScope !== undefined && writeScope === undefined) return undefined;
  if (!readScopes.every((scope) => scope !== undefined)) return undefined;
  const id = `${issuer} ${claims['sub']}`;
  return { ...terms, id, writeScope, readScopes: [...new Set(readScopes)], expiresAt, claims };
}

function holds([name, wanted]: [string, readonly string[]], claims: Claims): boolean {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (value === undefined) return false;
  return wanted.some((text) => (text.endsWith('*') ? value.startsWith(text.slice(0, -1)) : value === text));
}
