import { unreachable } from '../base/unreachable.ts';
import type { NotReused } from './reuse.ts';

/** Why a request went on to the origin. RFC 9211 §2.2. */
export type Forwarded =
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  | 'miss'
  | 'request'
  | 'stale'
  | 'partial';

/** What the reason for which a stored response was not sent is called there. */
export function forwardedFor(reason: NotReused): Forwarded {
  switch (reason) {
    case 'method':
      return 'method';
    case 'origin-condition':
    case 'request-no-cache':
    case 'request-max-age':
    case 'request-min-fresh':
      return 'request';
    // Of no-cache the RFC has no word; to this cache such a response is stale from the start.
    case 'no-cache':
    case 'stale':
      return 'stale';
    default:
      return unreachable(reason);
  }
}

/** What is told of how a request was answered. RFC 9211 §2. */
export type CacheStatus = {
  /** Remaining freshness in seconds, less than 0 for stale. §2.4 */
  readonly ttl?: number;
  /** §2.7; a key may tell what a client should not see, so it is up to the operator. */
  readonly key?: string;
  /** A reason of the rules, as it is. §2.8 */
  readonly detail?: string | undefined;
} & (
  | { readonly kind: 'hit' }
  | {
      readonly kind: 'forwarded';
      readonly reason: Forwarded;
      /** What the origin answered, where the client is told otherwise. §2.3 */
      readonly status?: number;
      readonly stored?: boolean;
      /** Whether it waited for a flight of somebody else's. §2.6 */
      readonly collapsed?: boolean;
    }
);

/**
 * A member of Cache-Status. RFC 9211 §2; that of the cache nearest to the client comes last.
 * @param cache its name, a token of RFC 8941 §3.3.4
 */
export function formatCacheStatus(cache: string, status: CacheStatus): string {
  const parts: string[] = [cache];
  if (status.kind === 'hit') parts.push('hit');
  else {
    parts.push(`fwd=${status.reason}`);
    if (status.status !== undefined) parts.push(`fwd-status=${status.status}`);
    if (status.stored) parts.push('stored');
    if (status.collapsed) parts.push('collapsed');
  }
  if (status.ttl !== undefined) parts.push(`ttl=${Math.trunc(status.ttl)}`);
  if (status.key !== undefined) parts.push(`key=${quoted(status.key)}`);
  if (status.detail !== undefined) parts.push(`detail=${tokenOrString(status.detail)}`);
  return parts.join('; ');
}

/** RFC 8941 §3.3.4 */
const TOKEN = /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/;

function tokenOrString(text: string): string {
  return TOKEN.test(text) ? text : quoted(text);
}

/** RFC 8941 §3.3.3: printable ASCII. What a string cannot hold is percent-encoded, as in a URI. */
function quoted(text: string): string {
  const ascii = text.replaceAll(/[^\x20-\x7e]/gu, (character) =>
    encodeURIComponent(character.toWellFormed()),
  );
  return `"${ascii.replaceAll(/["\\]/g, '\\$&')}"`;
}
