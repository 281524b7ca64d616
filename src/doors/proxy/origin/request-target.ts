import { VelocityError } from '../../../base/errors.ts';

/** Where a request goes: the same bytes for the key of a cache and for the origin, so that they never differ. */
export interface RequestTarget {
  /** In origin-form as the client wrote it, no part decoded or resolved; or `*`. */
  readonly target: string;
  /** In lower case, with the port if one was given that is not the scheme's own. */
  readonly host: string;
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const ABSOLUTE = /^(https?):\/\/([^/?]*)(.*)$/i;

/**
 * Brings a request target (RFC 9112 §3.2) to origin-form. An absolute-form must name the host of the Host field: the
 * RFC would let it win, but who reads the other one would serve another site.
 * @param hosts all lines of the Host field
 */
export function parseTarget(method: string, target: string, hosts: readonly string[]): RequestTarget {
  const [written = ''] = hosts;
  if (hosts.length !== 1 || written === '')
    throw refused('host', 'A request has one Host, and it is not empty.');
  const host = parseHost(written, 'http');
  if (host === undefined) throw refused('host', 'The Host is not a host with or without a port.');
  // Node's parser refuses the first, but not the second; an origin may cut it off or take it for the path's.
  if (/[^\x21-\x7e]/.test(target)) throw refused('path', 'The address holds what is no visible ASCII.');
  if (target.includes('#')) throw refused('path', 'A fragment is the client’s own and is not sent.');
  if (target.startsWith('/')) return { target, host };
  if (target === '*' && method === 'OPTIONS') return { target, host };
  const [, scheme = '', authority = '', rest = ''] = ABSOLUTE.exec(target) ?? [];
  if (scheme === '') throw refused('path', 'The address is neither a path nor an http URL.');
  const named = parseHost(authority, scheme.toLowerCase());
  if (named === undefined || named !== parseHost(written, scheme.toLowerCase()))
    throw refused('host', 'The address names another host than the Host field.');
  if (rest === '' && method === 'OPTIONS') return { target: '*', host };
  return { target: rest.startsWith('/') ? rest : `/${rest}`, host };
}

/** No user before the host: nobody is known by it here, and it hides which host is meant. */
function parseHost(text: string, scheme: string): string | undefined {
  const host = text.toLowerCase();
  const match = HOST.exec(host);
  if (!match || Number(match[1] ?? 0) > 65_535) return undefined;
  return host.replace(scheme === 'https' ? /:443$/ : /:80$/, '');
}

function refused(field: string, text: string): VelocityError {
  return new VelocityError('BAD_REQUEST', text, { field });
}
