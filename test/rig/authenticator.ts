import { Authenticator } from '../../src/auth/authenticator.ts';
import { BearerTokens, type KnownToken } from '../../src/auth/bearer.ts';
import { ExchangedTokens } from '../../src/auth/exchanged-tokens.ts';
import { OidcVerifier } from '../../src/auth/oidc.ts';
import type { OidcIssuer } from '../../src/auth/oidc-rules.ts';
import type { Clock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Logger, openLogger } from '../../src/telemetry/logger.ts';

export const EXCHANGE_TTL_MS = 3600_000;

interface Known {
  readonly tokens?: readonly KnownToken[];
  readonly issuers?: readonly OidcIssuer[];
  readonly logger?: Logger;
}

/** Who is let in, without files and settings; and what of it a test may change later. */
export function openAuthenticator(clock: Clock, { tokens = [], issuers = [], logger }: Known) {
  const oidc = new OidcVerifier(issuers, clock);
  const authenticator = new Authenticator({
    tokens: new BearerTokens(tokens, clock),
    oidc,
    exchanged: new ExchangedTokens(new Secret('a secret of the server'), clock),
    exchangeTtlMs: EXCHANGE_TTL_MS,
    clock,
    logger: logger ?? openLogger('silent'),
  });
  return { authenticator, oidc };
}
