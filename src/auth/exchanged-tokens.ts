import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { type Claims, textClaims } from './claims.ts';
import type { Vouched } from './oidc.ts';

const PREFIX = 'vc_oidc_';
const VERSION = 'velocity-exchanged-token-v1';
const ALGORITHM = 'HS256';

/**
 * Tokens that stand for an issuer's word for a while longer than its own token does. They carry the claims, not what
 * those open: the rules are asked with every use, so a rule that is taken back is taken back at once. Nothing is kept;
 * whoever has the secret knows them, so replicas need share nothing else.
 */
export class ExchangedTokens {
  readonly #key: KeyObject;
  readonly #clock: Clock;

  constructor(secret: Secret, clock: Clock) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret.reveal(), '', VERSION, 32)));
    this.#clock = clock;
  }

  /** Whether a bearer token says that it is one of these. */
  static isOne(token: string): boolean {
    return token.startsWith(PREFIX);
  }

  /** `vc_oidc_` and a JWT (RFC 7519), known until the given time, to the second before it. */
  async issue({ issuer, claims, expiresAt }: Vouched): Promise<Secret> {
    const jwt = await new SignJWT({ issuer, claims })
      .setProtectedHeader({ alg: ALGORITHM, typ: VERSION })
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(this.#key);
    return new Secret(PREFIX + jwt);
  }

  /** `undefined` where it is not of this server and its like, was changed or is expired. */
  async read(token: string): Promise<Vouched | undefined> {
    try {
      const { payload } = await jwtVerify(token.slice(PREFIX.length), this.#key, {
        algorithms: [ALGORITHM],
        typ: VERSION,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp'],
      });
      const {
        issuer,
        claims,
        exp = 0,
      } = payload as unknown as {
        issuer: string;
        claims: Claims;
        exp?: number;
      };
      return { issuer, claims: textClaims(claims), expiresAt: exp * 1000 };
    } catch {
      return undefined; // why not is nobody's business
    }
  }
}
