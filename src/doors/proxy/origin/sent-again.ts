import type { OriginRequest } from './origin-client.ts';

/** Methods that may be sent again where nobody knows whether they arrived. RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Whether it may be sent twice, and can be: a body is read once. It is where the origin closed a kept connection just as we wrote:
 * it has told nobody that it heard.
 */
export function maySendAgain({ method, body }: OriginRequest): boolean {
  return body === undefined && IDEMPOTENT.has(method);
}
