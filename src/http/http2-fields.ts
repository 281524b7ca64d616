import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

/** Name, value, name, value: as `rawHeaders` has them. */
export type FlatFields = readonly string[];

/** About one connection: there are none in HTTP/2. RFC 9113 §8.2.2. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * A request's fields as they would stand in a head of HTTP/1.1 (RFC 9113 §8.3.1): with its authority as Host, one Cookie, and
 * how its body ends. A Host that is not the authority stays beside it, for whoever admits the request to refuse.
 * @param isBodiless whether nothing follows the head
 */
export function toFlatFields(headers: IncomingHttpHeaders, raw: FlatFields, isBodiless: boolean): FlatFields {
  const fields: string[] = [];
  const cookies: string[] = [];
  const authority = headers[':authority'];
  if (authority !== undefined) fields.push('host', authority);
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at]?.toLowerCase(), raw[at + 1]];
    if (name.startsWith(':') || CONNECTION_FIELDS.has(name)) continue;
    if (name === 'host' && value === authority) continue;
    if (name === 'cookie') cookies.push(value);
    else fields.push(name, value);
  }
  if (cookies.length > 0) fields.push('cookie', cookies.join('; ')); // RFC 9113 §8.2.3
  if (!isBodiless && headers['content-length'] === undefined) fields.push('transfer-encoding', 'chunked');
  return fields;
}

/** An answer's fields as Node's HTTP/2 takes them: several lines of a name are one, but for Set-Cookie (RFC 9110 §5.3). */
export function fromFlatFields(fields: FlatFields): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let at = 0; at < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at]?.toLowerCase(), fields[at + 1]];
    if (CONNECTION_FIELDS.has(name)) continue;
    const before = headers[name];
    if (name === 'set-cookie') headers[name] = [...(before ?? []), value];
    else headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}
