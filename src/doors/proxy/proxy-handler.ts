import type { ForwardOptions, Proxied } from './origin/forwarding.ts';
import type { Outcome } from './transaction.ts';

/** What a handler finds out about a request while it answers it; it stays where the handler rejects. */
export interface Findings {
  outcome: Outcome;
  /** Why, as the rules say it. */
  detail?: string;
  /** Name of the backend that was asked. */
  backend?: string;
  /** Until the backend's head had come. */
  backendMs?: number;
}

/** Answers requests that were admitted. Rejects with a `VelocityError` while the client has been told nothing. */
export interface ProxyHandler {
  handle(proxied: Proxied, findings: Findings): Promise<unknown>;
  /** Ends what is done beside requests, and frees what was opened. */
  close(): Promise<void>;
}

/** All but the Host, which each backend has its own. */
export type Forwarding = Omit<ForwardOptions, 'host'>;

/** @param host that the backend is told; `undefined`: the client's */
export function toldHost(forwarding: Forwarding, host: string | undefined): ForwardOptions {
  return host === undefined ? forwarding : { ...forwarding, host };
}
