import type { Clock } from '../../../base/clock.ts';
import { readAuthorities, readKeyPair } from '../../../http/tls-material.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { ProxyMetrics } from '../metrics.ts';
import { HttpOrigin } from '../origin/http-origin.ts';
import { openOrigin } from '../origin/open-origin.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import { ORIGIN_DEFAULTS, type OriginSettings, type OriginTls } from '../origin/origin-settings.ts';
import type { BackendConfig, TlsPaths } from './backend-config.ts';
import { Routes } from './routes.ts';
import { ServerGroup } from './server-group.ts';
import { ServerProbe } from './server-probe.ts';

/** An origin behind the proxy. */
export interface Backend {
  readonly name: string;
  readonly client: OriginClient;
  /** The Host that it is told; `undefined`: the client's. */
  readonly host: string | undefined;
  /** Whether there is a server to ask; without probes there always is. */
  readonly isHealthy: boolean;
}

export interface BackendsSurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ProxyMetrics, 'retries' | 'serverWell'>;
}

/** All backends of a proxy. */
export class Backends {
  readonly #routes: Routes<OpenBackend>;
  readonly #all: readonly OpenBackend[];

  /** @throws VelocityError `TLS_INVALID` */
  constructor(configs: readonly BackendConfig[], around: BackendsSurroundings) {
    this.#all = configs.map((config) => new OpenBackend(config, around));
    this.#routes = new Routes(this.#all);
  }

  /**
   * @param host as a request was admitted with
   * @throws VelocityError `HOST_UNKNOWN` or `NOT_FOUND`
   */
  choose(host: string, target: string): Backend {
    return this.#routes.choose(host, target);
  }

  /** Begins to probe. */
  start(): void {
    for (const backend of this.#all) backend.start();
  }

  /** Closes all connections, those in use too. */
  close(): void {
    for (const backend of this.#all) backend.close();
  }
}

class OpenBackend implements Backend {
  readonly name: string;
  readonly client: ServerGroup;
  readonly host: string | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly path: string;
  readonly #probes: readonly ServerProbe[];

  constructor(config: BackendConfig, around: BackendsSurroundings) {
    const { name, host, hosts, path, servers, retries, limits } = config;
    this.name = name;
    this.host = host;
    this.hosts = hosts;
    this.path = path;
    const tls = tlsOf(config.tls);
    const opened = servers.map((url) => {
      const settings = { ...ORIGIN_DEFAULTS, ...limits, url, tls, clock: around.clock };
      const probe = probeOf(config, settings, around);
      return {
        ...{ client: openOrigin(settings), probe },
        get isWell(): boolean {
          return probe?.isWell ?? true;
        },
      };
    });
    this.#probes = opened.flatMap(({ probe }) => probe ?? []);
    const onRetry = (): void => around.metrics.retries.inc({ backend: name });
    this.client = new ServerGroup({ servers: opened, retries, onRetry });
  }

  get isHealthy(): boolean {
    return this.client.isHealthy;
  }

  start(): void {
    for (const probe of this.#probes) probe.start();
  }

  close(): void {
    for (const probe of this.#probes) probe.stop();
    this.client.close();
  }
}

function probeOf(
  { name, host, probe }: BackendConfig,
  settings: OriginSettings,
  { clock, logger, metrics }: BackendsSurroundings,
): ServerProbe | undefined {
  if (!probe) return undefined;
  const labels = { backend: name, server: settings.url };
  metrics.serverWell.set(labels, 1);
  return new ServerProbe({
    ...probe,
    clock,
    // Each on a connection of its own: whether there can be one is a part of the question.
    client: new HttpOrigin({ ...settings, maxConnections: 1 }),
    host: host ?? new URL(settings.url).host,
    onChange: (isWell, why) => {
      metrics.serverWell.set(labels, isWell ? 1 : 0);
      if (isWell) logger.info({ ...labels, why }, 'a server is well again');
      else logger.warn({ ...labels, why }, 'a server is sick: it is asked no more until its probes are good');
    },
  });
}

function tlsOf({ ca, certificate, key, serverName, isVerified }: TlsPaths): OriginTls {
  const pair = certificate === undefined || key === undefined ? undefined : readKeyPair(certificate, key);
  return {
    isVerified,
    ...(ca === undefined ? {} : { ca: readAuthorities(ca) }),
    ...pair,
    ...(serverName === undefined ? {} : { serverName }),
  };
}
