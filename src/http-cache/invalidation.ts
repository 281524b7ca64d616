import { type CacheUri, originOf, resolveReference } from './cache-uri.ts';
import { type Fields, fieldLines } from './fields.ts';

/** Those that change nothing. A method that is not known may. RFC 9110 §9.2.1. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * The URIs whose stored responses an answer has outdated: that of an unsafe request, and what its answer names beside
 * it on the same origin. Of other origins nobody may say so. RFC 9111 §4.4.
 */
export function outdatedUris(
  method: string,
  uri: CacheUri,
  status: number,
  answer: Fields,
): readonly CacheUri[] {
  if (SAFE.has(method)) return [];
  // §4.4: "a non-error response is one with a 2xx (Successful) or 3xx (Redirection) status code"
  if (status < 200 || status > 399) return [];
  const named = [...fieldLines(answer, 'location'), ...fieldLines(answer, 'content-location')]
    .map((reference) => resolveReference(reference, uri))
    .filter((other) => other !== undefined && originOf(other) === originOf(uri));
  return [...new Set([uri, ...named])].filter((each) => each !== undefined);
}
