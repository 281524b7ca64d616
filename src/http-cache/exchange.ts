import { responseDirectives } from './cache-control.ts';
import type { ResponseDirectives } from './directives.ts';
import type { Fields } from './fields.ts';
import { targetedDirectives } from './targeted-cache-control.ts';

/** The head of a response, and when it went to and fro. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  /** Milliseconds since the epoch, when its request was sent. RFC 9111 §4.2.3 request_time. */
  readonly requestedAt: number;
  /** Milliseconds since the epoch, when its head had come. RFC 9111 §4.2.3 response_time. */
  readonly receivedAt: number;
}

/** Which field spoke. */
export type Speaker = 'targeted' | 'cache-control';

/** What is said to this cache: by the first valid targeted field, else by Cache-Control. RFC 9213 §2.2. */
export function spokenDirectives(
  fields: Fields,
  targetedFields: readonly string[],
): { readonly speaker: Speaker; readonly directives: ResponseDirectives } {
  for (const name of targetedFields) {
    const directives = targetedDirectives(fields, name);
    if (directives) return { speaker: 'targeted', directives };
  }
  return { speaker: 'cache-control', directives: responseDirectives(fields) };
}
