import type { AccessReply } from './access.ts';

export const EXCHANGE_PATH = '/auth/oidc/exchange';

/** The answer to `{ "token": "<an issuer's token>" }`: a token of the gateway, and what it means. */
export interface ExchangeReply extends AccessReply {
  /** To be sent as `Authorization: Bearer …`. */
  readonly token: string;
}
