import type { Cancellation } from '../../../base/cancellation.ts';
import type { RequestHead } from '../../../http-cache/request-facts.ts';
import type { Backend } from '../backends/backends.ts';
import type { ForwardOptions, Proxied } from '../origin/forwarding.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import type { Findings } from '../proxy-handler.ts';

/** One request on its way through the cache. */
export interface Course {
  /** As a policy made it. */
  readonly proxied: Proxied;
  readonly backend: Backend;
  readonly forwarding: ForwardOptions;
  readonly request: RequestHead;
  /** What a policy, and what proxies that are believed say, part equal URIs by. */
  readonly policyKey: string;
  readonly outgoing: OriginRequest;
  /** Address of the client. */
  readonly client: string;
  readonly findings: Findings;
  /** The client has left. */
  readonly gone: Cancellation;
  /** For which key it has waited for somebody else's question. */
  joinedKey: string | undefined;
}
