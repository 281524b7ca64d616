import type { IncomingMessage } from 'node:http';
import { AddressRanges, parseIpAddress } from '../base/ip-address.ts';

/** What a client is called whose connection is gone before it was looked at. */
const NOBODY = '0.0.0.0';

/**
 * Tells who sent a request. `X-Forwarded-For` is believed as far as those who wrote it are: each proxy appends whom
 * it was called by, so the list is read from its end, and the first address that is no trusted proxy's is the
 * client's. What stands before it the client may have made up.
 */
export class TrustedProxies {
  readonly #ranges: AddressRanges | undefined;

  /** @param ranges as `parseAddressRange` takes them; without any, the other end of the connection is the client */
  constructor(ranges: readonly string[] = []) {
    this.#ranges = ranges.length > 0 ? new AddressRanges(ranges) : undefined;
  }

  /** Whether the other end of the connection is one of them, so that what it says of its client is believed. */
  isPeer({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
    return this.#ranges?.has(parseIpAddress(socket.remoteAddress ?? '') ?? NOBODY) ?? false;
  }

  /** The client's address, as `parseIpAddress` writes it. */
  clientOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    let client = parseIpAddress(socket.remoteAddress ?? '') ?? NOBODY;
    if (!this.#ranges?.has(client)) return client;
    // Node joins several headers of this name in their order.
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    for (const hop of forwarded.toReversed()) {
      const address = parseIpAddress(withoutPort(hop.trim()));
      if (address === undefined) return client; // "unknown": the proxy that wrote it is the last one known
      client = address;
      if (!this.#ranges.has(client)) return client;
    }
    return client;
  }
}

/** Some proxies write `192.0.2.7:4711` or `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([^:]+):\d+$/.exec(hop)?.[1] ?? hop;
}
