export const EXCHANGE_PATH = '/auth/oidc/exchange';

/** The answer to `{ "token": "<an issuer's token>" }`. */
export interface ExchangeReply {
  /** To be sent as `Authorization: Bearer …`. */
  readonly token: string;
  /** When it stops being known, as an instant in UTC. */
  readonly expires: string;
  readonly tenant: string;
  /** The scope that it writes, if any. */
  readonly write: string | null;
  /** The scopes that it reads, in order. */
  readonly read: readonly string[];
}
