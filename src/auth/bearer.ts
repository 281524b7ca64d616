import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../base/secret.ts';

/** Who a request speaks for. */
export interface Principal {
  /** For logs: tells tokens apart and gives none away. */
  readonly tokenId: string;
}

/**
 * Knows the tokens by their SHA-256 only. Digests have one length, so the comparison takes
 * the same time whatever was sent and tells nothing of the token's length.
 */
export class BearerTokens {
  readonly #known: readonly { readonly digest: Buffer; readonly principal: Principal }[];

  constructor(tokens: ReadonlyMap<string, Secret>) {
    this.#known = [...tokens].map(([tokenId, token]) => ({
      digest: sha256(token.reveal()),
      principal: { tokenId },
    }));
  }

  /** The principal of an `Authorization` header; `undefined` where there is none or its token is unknown. RFC 6750 §2.1. */
  authenticate(header: string | undefined): Principal | undefined {
    const presented = /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1];
    if (presented === undefined) return undefined;
    const digest = sha256(presented);
    let found: Principal | undefined;
    // Every token is compared, so the time does not tell which one matched.
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.principal;
    return found;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
