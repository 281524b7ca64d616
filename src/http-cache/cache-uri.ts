declare const cacheUriBrand: unique symbol;

/**
 * What responses are stored under: the absolute URI of what was asked for, `http://host/path?query`. Scheme and host are
 * in lower case, a default port is left out, and every byte of path and query is as the origin receives it, so that
 * cache and origin cannot read one request in two ways. GET and HEAD share it; nothing else is answered from the store.
 * RFC 9111 §2.
 */
export type CacheUri = string & { readonly [cacheUriBrand]: true };

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

/** No space, control character or fragment, none of which a request target can have. RFC 9112 §3.2. */
const PATH_AND_QUERY = /^[\x21\x22\x24-\x7e\x80-\xff]*$/;
/** A name, an IPv4 address or an IPv6 address in brackets, and a port. No user: who writes one means something else. */
const AUTHORITY = /^([a-z0-9._~!$&'()*+,;=%-]+|\[[0-9a-f:.]+\])(?::(\d{0,5}))?$/;

/**
 * @param host as the Host field has it; of no account where the target is absolute, RFC 9112 §3.2.2
 * @param target the request target, `/path?query` or `http://host/path?query`
 * @returns `undefined`: it names nothing that could be kept
 */
export function cacheUri(scheme: 'http' | 'https', host: string, target: string): CacheUri | undefined {
  if (target.startsWith('/')) return compose(scheme, host, target);
  const absolute = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(target);
  if (!absolute) return undefined;
  const [, ownScheme = '', authority = '', rest = ''] = absolute;
  return compose(ownScheme.toLowerCase(), authority, rest.startsWith('/') ? rest : `/${rest}`);
}

/**
 * What a Location or Content-Location means beside a URI; a fragment is cut off. `undefined`: nothing of HTTP.
 * RFC 9110 §10.2.2, §8.7.
 */
export function resolveReference(reference: string, base: CacheUri): CacheUri | undefined {
  const [text = ''] = reference.trim().split('#', 1);
  const [scheme, host] = originOf(base).split('://') as ['http' | 'https', string];
  if (text === '') return base;
  if (text.startsWith('//')) return cacheUri(scheme, host, `${scheme}:${text}`);
  if (text.startsWith('/') || /^https?:\/\//i.test(text)) return cacheUri(scheme, host, text);
  const resolved = URL.parse(text, base);
  return resolved ? cacheUri(scheme, host, resolved.href) : undefined;
}

/** Scheme, host and port. */
export function originOf(uri: CacheUri): string {
  return uri.slice(0, uri.indexOf('/', uri.indexOf('://') + 3));
}

function compose(scheme: string, host: string, pathAndQuery: string): CacheUri | undefined {
  const authority = AUTHORITY.exec(host.toLowerCase());
  if (!authority || !PATH_AND_QUERY.test(pathAndQuery)) return undefined;
  const [, name = '', port = ''] = authority;
  const suffix = port === '' || port === DEFAULT_PORTS.get(scheme) ? '' : `:${port}`;
  return `${scheme}://${name}${suffix}${pathAndQuery}` as CacheUri;
}
