import { requestDirectives } from './cache-control.ts';
import type { CacheUri } from './cache-uri.ts';
import type { RequestDirectives } from './directives.ts';
import { type Fields, hasField } from './fields.ts';
import type { CachePolicy } from './policy.ts';

/** A request as the rules see it. */
export interface RequestHead {
  readonly method: string;
  readonly uri: CacheUri;
  /** As the origin is to see them, where that differs from what came: responses vary on these. */
  readonly fields: Fields;
  readonly facts: RequestFacts;
}

/** What a request has to say about being answered from the store. */
export interface RequestFacts {
  /** GET and HEAD alone are answered from the store. */
  readonly isRead: boolean;
  /** `undefined`: none that counts. */
  readonly directives: RequestDirectives | undefined;
  /** If-Match or If-Unmodified-Since, which are the origin's to judge. RFC 9111 §4.3.2. */
  readonly isForOrigin: boolean;
}

export function requestFacts(
  method: string,
  fields: Fields,
  policy: Pick<CachePolicy, 'heedsRequestDirectives'>,
): RequestFacts {
  return {
    isRead: method === 'GET' || method === 'HEAD',
    directives: policy.heedsRequestDirectives ? requestDirectives(fields) : undefined,
    isForOrigin: hasField(fields, 'if-match') || hasField(fields, 'if-unmodified-since'),
  };
}
