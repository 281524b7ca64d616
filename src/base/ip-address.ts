import { BlockList, isIP, SocketAddress } from 'node:net';

/**
 * An address in the one way it is written here: IPv6 in lower case and compressed (RFC 5952 §4), without a zone, and what is
 * IPv4 mapped into IPv6 as IPv4 (RFC 4291 §2.5.5.2). `undefined` where the text is no address.
 */
export function parseIpAddress(text: string): string | undefined {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6: {
      const { address } = new SocketAddress({ address: text, family: 'ipv6' });
      const mapped = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : '';
      return isIP(mapped) === 4 ? mapped : address;
    }
    default:
      return undefined;
  }
}

/**
 * Whose address it is, as far as one can tell: an IPv4 address itself, of IPv6 the /64, the smallest network there
 * is, out of which a host takes another address whenever it likes (RFC 4291 §2.5.4, RFC 8981).
 * @param address as `parseIpAddress` writes it
 */
export function hostNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    groups.push(...Array<string>(8 - groups.length - last.length).fill('0'), ...last);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. `undefined` where the text is neither. */
export function parseAddressRange(text: string): { address: string; prefix: number } | undefined {
  const [written = '', length, ...rest] = text.split('/');
  const address = parseIpAddress(written);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = isIP(address) === 4 ? 32 : 128;
  if (length === undefined) return { address, prefix: bits };
  // A length beside a mapped address counts its 128 bits.
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) - (isIP(written) === 6 ? 128 - bits : 0) : -1;
  return prefix >= 0 && prefix <= bits ? { address, prefix } : undefined;
}

/** A set of addresses, by ranges. */
export class AddressRanges {
  readonly #list = new BlockList();

  /** @param ranges as `parseAddressRange` takes them */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const range = parseAddressRange(text);
      if (!range) throw new Error(`unreachable: ${text} was taken for a range of addresses`);
      this.#list.addSubnet(range.address, range.prefix, family(range.address));
    }
  }

  /** @param address as `parseIpAddress` writes it */
  has(address: string): boolean {
    return this.#list.check(address, family(address));
  }
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
