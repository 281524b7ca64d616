import type { Clock } from '../../../base/clock.ts';

/** How an origin is reached and how long it is waited for. All times in ms, all sizes in bytes. */
export interface OriginSettings {
  /** `http://host:port` or `https://…`, without a path. */
  readonly url: string;
  readonly clock: Clock;
  readonly tls?: OriginTls;
  /** Those in use and those kept; a request beyond it waits, as long as it would for a new connection. */
  readonly maxConnections: number;
  /** How long a connection is kept that nobody uses. Shorter than the origin's own limit, or requests get lost. */
  readonly keepIdle: number;
  /** For a free or new connection, TLS included. */
  readonly connectTimeout: number;
  /** From the end of the request to the head of its answer, and from an interim answer to what follows it. */
  readonly headersTimeout: number;
  /** While nothing comes that is wanted, or nothing goes that is to go. A slow client does not count. */
  readonly idleTimeout: number;
  /** How long a body is held back for an origin that was asked (Expect) and says nothing. RFC 9110 §10.1.1. */
  readonly continueTimeout: number;
  readonly maxHeadBytes: number;
  /** Below 1,000, beyond which Node leaves fields out and does not say so. */
  readonly maxFields: number;
  /** Interim answers to one request. */
  readonly maxInterim: number;
}

/** What a connection is made to. */
export function originAddress({ url }: Pick<OriginSettings, 'url'>): {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
} {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (isTls ? 443 : 80)), isTls };
}

export interface OriginTls {
  /** PEM; instead of the authorities that Node trusts. */
  readonly ca?: string;
  /** The certificate we show, with its key. PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** The name that is asked for (SNI) and that the certificate must have, where it is not the URL's. */
  readonly serverName?: string;
  /** False takes whatever certificate there is. */
  readonly isVerified?: boolean;
}

export const ORIGIN_DEFAULTS: Omit<OriginSettings, 'url' | 'clock'> = {
  maxConnections: 256,
  keepIdle: 4_000,
  connectTimeout: 5_000,
  headersTimeout: 60_000,
  idleTimeout: 30_000,
  continueTimeout: 1_000,
  maxHeadBytes: 32 * 1024,
  maxFields: 200,
  maxInterim: 32,
};
