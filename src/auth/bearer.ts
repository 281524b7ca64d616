import { hash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Digest } from '../base/digest.ts';
import type { Access } from './access.ts';

/** A token as far as this server knows it. */
export interface KnownToken {
  /** Of the whole token. */
  readonly sha256: Digest;
  readonly access: Access;
}

/**
 * Knows the tokens by their SHA-256 only. Digests have one length, so the comparison takes
 * the same time whatever was sent and tells nothing of the token's length.
 */
export class BearerTokens {
  readonly #clock: Clock;
  #known: readonly { readonly digest: Buffer; readonly access: Access }[] = [];
  #replacements = 0;

  constructor(known: readonly KnownToken[], clock: Clock) {
    this.#clock = clock;
    this.replace(known);
  }

  /** Rises with each change of what is known. */
  get replacements(): number {
    return this.#replacements;
  }

  /** From the next request on these tokens are known and no others. */
  replace(known: readonly KnownToken[]): void {
    this.#replacements++;
    this.#known = known.map(({ sha256, access }) => ({ digest: Buffer.from(sha256, 'hex'), access }));
  }

  /**
   * What a token means. `undefined` where it is unknown, revoked or expired: whoever sends it is not told which.
   */
  authenticate(token: string): Access | undefined {
    const digest = hash('sha256', token, 'buffer');
    let found: Access | undefined;
    // Every token is compared, so the time does not tell which one matched.
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.access;
    return found?.expiresAt !== undefined && this.#clock.now() >= found.expiresAt ? undefined : found;
  }
}

/**
 * The token of an `Authorization` header: RFC 6750 §2.1, or for clients that can do nothing else the password of RFC 7617,
 * with any user. `undefined` where the header is anything else than one of these.
 */
export function bearerOf(header: string): string | undefined {
  const [, scheme = '', sent = ''] = /^(Bearer|Basic) +([^\s]+) *$/i.exec(header) ?? [];
  if (scheme.toLowerCase() !== 'basic') return sent || undefined;
  const [, password] = /^[^:]*:([!-~]+)$/.exec(Buffer.from(sent, 'base64').toString('utf8')) ?? [];
  return password;
}
