import type { IncomingMessage } from 'node:http';

/**
 * For a listener: what comes to a host that is for files alone is a file's, before any address of the server's other doors
 * is looked at. Any port and case.
 * @returns the target that is meant, from that of a request
 */
export function filesOfHosts(hosts: readonly string[]): (request: IncomingMessage) => string {
  const names = new Set(hosts.map((host) => host.toLowerCase()));
  return ({ url = '/', headers: { host = '' } }) =>
    url.startsWith('/') && names.has(host.replace(/:\d*$/, '').toLowerCase()) ? `/files${url}` : url;
}
