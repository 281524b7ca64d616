import type { IncomingMessage } from 'node:http';
import { parseIpAddress } from '../../../base/ip-address.ts';
import type { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { type Fields, fieldLines, filterFields, withoutFields } from '../../../http-cache/fields.ts';

/** Written anew here, whoever sent them. */
const WRITTEN: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
]);
/**
 * What else an origin might believe, and builds links and answers of, by names in lower case. CGI makes the same of `_` and `-`
 * (RFC 3875 §4.1.18).
 */
const CLAIM = /^(?:x[-_]forwarded[-_].*|forwarded|x[-_]real[-_]ip)$/;

/**
 * Tells the origin for whom a request is. What a trusted proxy says is continued, what others say is left out.
 * `Forwarded` (RFC 7239) is continued where it was begun: an origin that reads the one list need not be given two.
 * @param host as it was admitted
 */
export function forwardedFor(
  fields: Fields,
  host: string,
  socket: IncomingMessage['socket'],
  trusted: TrustedProxies,
): Fields {
  const peer = parseIpAddress(socket.remoteAddress ?? '') ?? 'unknown';
  const scheme = 'encrypted' in socket ? 'https' : 'http';
  const isBelieved = trusted.isPeer({ socket });
  if (!isBelieved) {
    const own = ['X-Forwarded-For', peer, 'X-Forwarded-Host', host, 'X-Forwarded-Proto', scheme];
    return filterFields(fields, (name) => !CLAIM.test(name)).concat(own);
  }
  const said = (name: string): string => fieldLines(fields, name).join(', ');
  const chain = [said('x-forwarded-for'), peer].filter((part) => part !== '').join(', ');
  const begun = said('forwarded');
  const node = peer.includes(':') ? `"[${peer}]"` : peer;
  return [
    ...withoutFields(fields, WRITTEN),
    ...['X-Forwarded-For', chain],
    ...['X-Forwarded-Host', said('x-forwarded-host') || host],
    ...['X-Forwarded-Proto', said('x-forwarded-proto') || scheme],
    ...(begun === '' ? [] : ['Forwarded', `${begun}, for=${node};host="${host}";proto=${scheme}`]),
  ];
}
