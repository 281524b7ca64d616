import { type Fields, fieldLines } from '../../../http-cache/fields.ts';
import { isOverriding } from './asks-for-another.ts';

/** Not of whom a request is, which would part all clients; who it is varies by what the origin says (Vary). */
const CLAIM = /^x-forwarded-(?!for$)/;
const X_OR_F = /^[xf]/i;
/** RFC 7239 §5.3, §5.4: of its elements what they say of the request. */
const HOST_OR_PROTO = /(?:^|[;,])\s*(host|proto)=("[^"]*"|[^;,\s]*)/gi;

/**
 * What parts equal URIs: beside a policy's key what proxies that are believed say of a request: the host and scheme that the
 * client used, a prefix, a user. Origins answer by it. Of proxies that are not believed nothing has come this far.
 * @param outgoing what the origin is sent
 * @param host that was asked of us
 * @returns the policy's key, where they say nothing, or what we would say ourselves
 */
export function partedByProxies(
  policyKey: string,
  outgoing: Fields,
  host: string,
  scheme: 'http' | 'https',
): string {
  const said = saidByProxies(outgoing, host, scheme);
  return said === '' ? policyKey : JSON.stringify([said, policyKey]);
}

/** Whether there can be anything of that among fields: the names of all of it begin so. */
export function mayPart(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) if (X_OR_F.test(fields[at] ?? '')) return true;
  return false;
}

function saidByProxies(outgoing: Fields, host: string, scheme: 'http' | 'https'): string {
  let said = '';
  for (let at = 0; at < outgoing.length; at += 2) {
    const spelt = outgoing[at] ?? '';
    if (!X_OR_F.test(spelt)) continue;
    const name = spelt.toLowerCase().replaceAll('_', '-');
    const value = outgoing[at + 1] ?? '';
    if (name === 'forwarded') continue;
    const isOurs =
      (name === 'x-forwarded-host' && value === host) || (name === 'x-forwarded-proto' && value === scheme);
    if (!isOurs && (CLAIM.test(name) || isOverriding(spelt))) said += `${name}: ${value}\n`;
  }
  const forwarded = fieldLines(outgoing, 'forwarded').join(', ');
  // The last element is our own.
  const elements =
    forwarded === '' ? [] : [...forwarded.slice(0, forwarded.lastIndexOf(',')).matchAll(HOST_OR_PROTO)];
  return elements.reduce((all, [, name = '', value = '']) => `${all}${name.toLowerCase()}=${value}\n`, said);
}
