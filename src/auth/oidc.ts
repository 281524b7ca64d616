import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Access } from './access.ts';
import { type Claims, textClaims } from './claims.ts';
import { isIssuerUrl } from './issuer-url.ts';
import { grant, type OidcIssuer } from './oidc-rules.ts';

/** What an issuer vouches for. */
export interface Vouched {
  readonly issuer: string;
  readonly claims: Claims;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Why a token opens nothing. `issuer-unavailable`: the issuer's keys cannot be had, which is not the bearer's fault.
 * For the log and the metrics; the bearer is told no more than "unauthorized".
 */
export type OidcRefusal = 'unknown-issuer' | 'invalid-jwt' | 'no-rule' | 'issuer-unavailable';

export interface Refused {
  readonly refusal: OidcRefusal;
  /** In words, for an operator. */
  readonly why: string;
}

/** Two machines' clocks may differ by this much. */
const CLOCK_TOLERANCE_S = 60;
/** Signatures with a shared secret, or none, are never an issuer's. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const FETCH_TIMEOUT_MS = 5_000;
/** An issuer that does not answer is asked again after this: each of its tokens would else wait for it. */
const PAUSE_AFTER_FAILURE_MS = 5_000;
const MAX_TOKEN_LENGTH = 16_384;

/** Whether a bearer token may be an issuer's: three parts in base64url. RFC 7519 §3. */
export function looksLikeJwt(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

/**
 * Verifies tokens of OpenID Connect issuers (CI systems hand them to their jobs) and maps their claims to what they
 * open. OpenID Connect Core §3.1.3.7; keys are fetched when first needed and again for a key that is new.
 */
export class OidcVerifier {
  readonly #clock: Clock;
  readonly #keys = new Map<string, IssuerKeys>();
  #issuers: ReadonlyMap<string, OidcIssuer> = new Map();

  constructor(issuers: readonly OidcIssuer[], clock: Clock) {
    this.#clock = clock;
    this.replace(issuers);
  }

  /** From the next token on these issuers are believed, by these rules, and no others. */
  replace(issuers: readonly OidcIssuer[]): void {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#keys.clear();
  }

  /** What a token's issuer says of its bearer, where it is an issuer of ours and the token is right. */
  async verify(token: string): Promise<Vouched | Refused> {
    const claimed = issuerOf(token);
    const issuer = this.#issuers.get(claimed ?? '');
    if (!issuer) return { refusal: 'unknown-issuer', why: 'its issuer is not in the token file' };
    try {
      const { payload } = await jwtVerify(token, await this.#keysOf(issuer), {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'sub'],
      });
      return vouched(issuer.issuer, payload);
    } catch (error) {
      const refusal = isRefused(error) ? 'invalid-jwt' : 'issuer-unavailable';
      return { refusal, why: messageOf(error) };
    }
  }

  /** What that opens by the rules as they are now. */
  grant({ issuer, claims, expiresAt }: Vouched): Access | Refused {
    const known = this.#issuers.get(issuer);
    if (!known) return { refusal: 'unknown-issuer', why: 'its issuer is no longer in the token file' };
    return grant(known, claims, expiresAt) ?? { refusal: 'no-rule', why: 'no rule of its issuer fits' };
  }

  #keysOf(issuer: OidcIssuer): Promise<JWTVerifyGetKey> {
    let keys = this.#keys.get(issuer.issuer);
    if (!keys) {
      keys = new IssuerKeys(issuer, this.#clock);
      this.#keys.set(issuer.issuer, keys);
    }
    return keys.get();
  }
}

/** Where an issuer's keys are, learned once for all who ask, and the keys themselves. */
class IssuerKeys {
  readonly #issuer: OidcIssuer;
  readonly #clock: Clock;
  #found: Promise<JWTVerifyGetKey> | undefined;
  #failure: unknown;
  #askAgainAt = Number.NEGATIVE_INFINITY;

  constructor(issuer: OidcIssuer, clock: Clock) {
    this.#issuer = issuer;
    this.#clock = clock;
  }

  get(): Promise<JWTVerifyGetKey> {
    this.#found ??= this.#find().catch((error: unknown) => {
      this.#found = undefined;
      throw error;
    });
    return this.#found;
  }

  async #find(): Promise<JWTVerifyGetKey> {
    const { issuer, jwksUri } = this.#issuer;
    const uri = jwksUri ?? (await this.#ask(() => discover(issuer)));
    return createRemoteJWKSet(new URL(uri), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      [customFetch]: (url, request) => this.#ask(() => fetchKeys(url, request)),
    });
  }

  /** Anybody can send tokens that make us ask; so after a failure the issuer is left alone for a while. */
  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#clock.elapsed() < this.#askAgainAt) throw this.#failure;
    try {
      return await ask();
    } catch (error) {
      this.#failure = error;
      this.#askAgainAt = this.#clock.elapsed() + PAUSE_AFTER_FAILURE_MS;
      throw error;
    }
  }
}

/** OpenID Connect Discovery 1.0 §4. */
async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const reply = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  const { jwks_uri: uri } = (await reply.json()) as { readonly jwks_uri?: unknown };
  if (typeof uri !== 'string' || !isIssuerUrl(uri))
    throw new Error(`${url} names no https:// address of keys`);
  return uri;
}

/** The whole answer, looked at: one that never ends, or holds no keys, is a failure like any other. */
async function fetchKeys(url: string, request: RequestInit): Promise<Response> {
  const reply = await fetch(url, request);
  if (reply.status !== 200) throw new Error(`${url} answered ${reply.status}`);
  const keys = (await reply.json()) as JSONWebKeySet;
  createLocalJWKSet(keys); // throws where these are none
  return Response.json(keys);
}

/** Whom the token says it is from. Nothing of it is believed yet. */
function issuerOf(token: string): string | undefined {
  if (!looksLikeJwt(token)) return undefined;
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function vouched(issuer: string, payload: JWTPayload): Vouched {
  return { issuer, claims: textClaims(payload), expiresAt: (payload.exp ?? 0) * 1000 };
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
