import type { Secret } from '../../base/secret.ts';
import { type ExchangeOptions, exchangeIdentity, jobIdentity } from './job-identity.ts';

/** Asked for a token when one is needed; told when nobody waits for it any more. */
export type TokenSource = (closing: AbortSignal) => Promise<Secret>;

/** The token that was given; else one that the gateway gives for this CI job's own; `undefined` where there is neither. */
export function tokenSource(
  given: Secret | undefined,
  env: NodeJS.ProcessEnv,
  exchange: ExchangeOptions,
): TokenSource | undefined {
  if (given) return async () => given;
  const identity = jobIdentity(env);
  return identity && ((signal) => exchangeIdentity(identity, { ...exchange, signal }));
}
