import type { Clock } from '../base/clock.ts';
import { digestOf } from '../base/digest.ts';
import type { Secret } from '../base/secret.ts';
import type { Logger } from '../telemetry/logger.ts';
import { everything, objectsAlone } from './access.ts';
import { Authenticator } from './authenticator.ts';
import { BearerTokens, type KnownToken } from './bearer.ts';
import { ExchangedTokens } from './exchanged-tokens.ts';
import { LiveTokens } from './live-tokens.ts';
import { OidcVerifier } from './oidc.ts';
import type { AuthSettings } from './settings.ts';

/** The ids of the tokens that have none of their own; no token of a file can have them. */
const SIMPLE_ID = 'VC_AUTH_TOKEN';
const GATEWAY_ID = 'VC_AUTH_BEARER_TOKEN';

export interface OpenTokens {
  readonly authenticator: Authenticator;
  /** Reads the token file again; does nothing where there is none. */
  reload(): void;
  close(): void;
}

export interface TokensSurroundings {
  /** Makes what this server signs its own. */
  readonly secret: Secret;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * The tokens that the settings tell of, kept as their file says.
 * @throws VelocityError `TOKENS_INVALID`
 */
export function openTokens(
  settings: Pick<AuthSettings, 'authToken' | 'authTokensFile' | 'exchangeTtl' | 'gatewayToken'>,
  { secret, logger, clock }: TokensSurroundings,
): OpenTokens {
  const { authToken, gatewayToken, authTokensFile: file, exchangeTtl: exchangeTtlMs } = settings;
  const fixed: KnownToken[] = [];
  if (gatewayToken) fixed.push({ sha256: digestOf(gatewayToken.reveal()), access: objectsAlone(GATEWAY_ID) });
  // The last one counts where both are the same text, which then opens both doors.
  if (authToken) fixed.push({ sha256: digestOf(authToken.reveal()), access: everything(SIMPLE_ID) });
  const tokens = new BearerTokens(fixed, clock);
  const oidc = new OidcVerifier([], clock);
  const exchanged = new ExchangedTokens(secret, clock);
  const live = file === undefined ? undefined : new LiveTokens({ file, fixed, tokens, oidc, logger, clock });
  return {
    authenticator: new Authenticator({ tokens, oidc, exchanged, exchangeTtlMs, clock, logger }),
    reload: () => live?.reload(),
    close: () => live?.close(),
  };
}
