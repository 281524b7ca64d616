import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Clock } from '../base/clock.ts';
import type { Access, Right } from './access.ts';
import { fillScope } from './scope-template.ts';

/** When a token of an issuer opens what. All of `when` must hold; the first rule that fits decides. */
export interface OidcRule {
  /** Claims and the texts they must be; of a list one. Immutable ids (`repository_id`) before names. */
  readonly when: Readonly<Record<string, string | readonly string[]>>;
  readonly tenant: string;
  /** A scope, or `pr-${ref}` with claims filled in; `undefined` writes nothing. */
  readonly write?: string | undefined;
  /** Scopes in the order they are looked at, likewise. */
  readonly read: readonly string[];
  readonly rights: ReadonlySet<Right>;
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

/** What a token means, and what the issuer says of its bearer. */
export interface OidcGrant {
  /** Its id is `issuer subject`. */
  readonly access: Access;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Why a token opens nothing. `unavailable`: the issuer's keys cannot be had, which is not the bearer's fault.
 * For the log and the metrics; the bearer is told no more than "unauthorized".
 */
export type OidcRefusal = 'not-a-token' | 'unknown-issuer' | 'invalid' | 'no-rule' | 'unavailable';

/** Two machines' clocks may differ by this much. */
const CLOCK_TOLERANCE_S = 60;
/** Signatures with a shared secret, or none, are never an issuer's. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const FETCH_TIMEOUT_MS = 5_000;
const MAX_TOKEN_LENGTH = 16_384;

/**
 * Verifies bearer tokens of OpenID Connect issuers (CI systems hand them to their jobs) and maps their claims to
 * what they open. OpenID Connect Core §3.1.3.7; keys are fetched when first needed and again for a key that is new.
 */
export class OidcVerifier {
  readonly #issuers: ReadonlyMap<string, { readonly issuer: OidcIssuer; keys: JWTVerifyGetKey | undefined }>;
  readonly #clock: Clock;

  constructor(issuers: readonly OidcIssuer[], clock: Clock) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, keys: undefined }]));
    this.#clock = clock;
  }

  async verify(token: string): Promise<OidcGrant | OidcRefusal> {
    const claimed = issuerOf(token);
    if (claimed === undefined) return 'not-a-token';
    const known = this.#issuers.get(claimed);
    if (!known) return 'unknown-issuer';
    const { issuer } = known;
    try {
      known.keys ??= await keysOf(issuer);
      const { payload } = await jwtVerify(token, known.keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'sub'],
      });
      return toGrant(issuer, payload) ?? 'no-rule';
    } catch (error) {
      return isRefused(error) ? 'invalid' : 'unavailable';
    }
  }
}

async function keysOf({ issuer, jwksUri }: OidcIssuer): Promise<JWTVerifyGetKey> {
  const uri = jwksUri ?? (await discover(issuer));
  return createRemoteJWKSet(new URL(uri), { timeoutDuration: FETCH_TIMEOUT_MS });
}

/** Where the keys are. OpenID Connect Discovery 1.0 §4. */
async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const reply = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  const { jwks_uri: uri } = (await reply.json()) as { readonly jwks_uri?: unknown };
  if (typeof uri !== 'string') throw new Error(`${url} names no keys`);
  return uri;
}

/** Whom the token says it is from. Nothing of it is believed yet. */
function issuerOf(token: string): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function toGrant(issuer: OidcIssuer, claims: JWTPayload): OidcGrant | undefined {
  const rule = issuer.rules.find(({ when }) =>
    Object.entries(when).every(([name, wanted]) => [wanted].flat().includes(textOf(claims, name))),
  );
  if (!rule) return undefined;
  const writeScope = rule.write === undefined ? undefined : fillScope(rule.write, claims);
  const readScopes = rule.read.map((template) => fillScope(template, claims));
  // A claim that a scope is made of and that is not there: no rule can have meant this token.
  if (rule.write !== undefined && writeScope === undefined) return undefined;
  if (!readScopes.every((scope) => scope !== undefined)) return undefined;
  const access: Access = {
    id: `${issuer.issuer} ${claims.sub}`,
    tenant: rule.tenant,
    writeScope,
    readScopes,
    rights: rule.rights,
    expiresAt: (claims.exp ?? 0) * 1000,
  };
  return { access, claims };
}

/** Claims are compared as texts; numbers and flags as they are written in JSON. */
function textOf(claims: JWTPayload, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** The token is at fault, not the way to the issuer's keys. */
function isRefused(error: unknown): boolean {
  return REFUSALS.some((refusal) => error instanceof refusal);
}

const REFUSALS = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];
