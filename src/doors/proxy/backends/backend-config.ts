import { withScheme } from '../../../storage/endpoint.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from '../origin/origin-settings.ts';
import type { StatusRange } from './status-ranges.ts';

/** What a backend is, once its settings agree with each other. All times in ms. */
export interface BackendConfig {
  readonly name: string;
  /** Origins such as `https://example.org:8443`; one at least. */
  readonly servers: readonly string[];
  /** In lower case; `*.example.org` is all below it. `undefined`: those that nobody else names. */
  readonly hosts: readonly string[] | undefined;
  /** Without a slash at its end; empty for all paths. */
  readonly path: string;
  /** The Host that it is told; `undefined`: the client's. */
  readonly host: string | undefined;
  readonly limits: OriginLimits;
  /** On how many other servers a request is tried. */
  readonly retries: number;
  /** `undefined`: its servers are taken to be well. */
  readonly probe: ProbeSettings | undefined;
  readonly tls: TlsPaths;
}

export type OriginLimits = Pick<
  OriginSettings,
  'connectTimeout' | 'headersTimeout' | 'idleTimeout' | 'maxConnections' | 'maxHeadBytes'
>;

export interface ProbeSettings {
  /** In origin-form. */
  readonly target: string;
  readonly interval: number;
  readonly timeout: number;
  readonly expected: readonly StatusRange[];
  /** How many of the latest probes count, and how many of those must be good. */
  readonly window: number;
  readonly threshold: number;
}

/** Files in PEM. */
export interface TlsPaths {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  readonly isVerified: boolean;
}

/** That of `proxy.backend`. */
export const DEFAULT_BACKEND = 'default';

/** The backend that one address alone describes: for all hosts and paths, and told its own name. */
export function plainBackend(server: string): BackendConfig {
  return {
    name: DEFAULT_BACKEND,
    servers: [server],
    hosts: undefined,
    path: '',
    host: new URL(server).host,
    limits: ORIGIN_DEFAULTS,
    retries: 0,
    probe: undefined,
    tls: { isVerified: true },
  };
}

/** An address with its scheme and nothing behind its port; `undefined` where there is. */
export function originOf(address: string): string | undefined {
  const { origin, pathname, search, hash, username, password } = new URL(withScheme(address, false) ?? '');
  return pathname === '/' && search + hash + username + password === '' ? origin : undefined;
}
