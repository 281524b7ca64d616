import type { Clock } from '../base/clock.ts';
import { digestOf } from '../base/digest.ts';
import type { Logger } from '../telemetry/logger.ts';
import { everything } from './access.ts';
import { BearerTokens, type KnownToken } from './bearer.ts';
import { LiveTokens } from './live-tokens.ts';
import type { AuthSettings } from './settings.ts';

/** The id of the one token that has none of its own; no token of a file can have it. */
const SIMPLE_ID = 'VC_AUTH_TOKEN';

export interface OpenTokens {
  readonly tokens: BearerTokens;
  /** Reads the token file again; does nothing where there is none. */
  reload(): void;
  close(): void;
}

/**
 * The tokens that the settings tell of, kept as their file says.
 * @throws VelocityError `TOKENS_INVALID`
 */
export function openTokens(
  { authToken, authTokensFile: file }: Pick<AuthSettings, 'authToken' | 'authTokensFile'>,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): OpenTokens {
  const fixed: KnownToken[] = authToken
    ? [{ sha256: digestOf(authToken.reveal()), access: everything(SIMPLE_ID) }]
    : [];
  const tokens = new BearerTokens(fixed, clock);
  const live = file === undefined ? undefined : new LiveTokens({ file, fixed, tokens, logger, clock });
  return { tokens, reload: () => live?.reload(), close: () => live?.close() };
}
