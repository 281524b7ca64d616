import { cacheUri } from '../../src/http-cache/cache-uri.ts';
import type { ResponseHead } from '../../src/http-cache/exchange.ts';
import type { Fields } from '../../src/http-cache/fields.ts';
import { RFC_POLICY } from '../../src/http-cache/policy.ts';
import { type RequestHead, requestFacts } from '../../src/http-cache/request-facts.ts';

/** Thu, 01 Jan 2026 00:00:00 GMT, when responses of these tests come. */
export const CAME_AT = Date.UTC(2026, 0, 1);

/** So many seconds after it, as a date of HTTP. */
export function dateIn(seconds: number): string {
  return new Date(CAME_AT + seconds * 1000).toUTCString();
}

/** `Name: value` each. */
export function fieldsOf(...lines: readonly string[]): Fields {
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

/** A response that took no time. */
export function response(lines: readonly string[], status = 200): ResponseHead {
  return { status, fields: fieldsOf(...lines), requestedAt: CAME_AT, receivedAt: CAME_AT };
}

export function request(lines: readonly string[] = [], method = 'GET'): RequestHead {
  const uri = cacheUri('http', 'origin.test', '/thing');
  if (!uri) throw new Error('a URI of a test must be one');
  const fields = fieldsOf(...lines);
  return { method, uri, fields, facts: requestFacts(method, fields, RFC_POLICY) };
}
