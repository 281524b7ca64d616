import { type Clock, systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { AdminSocket } from '../doors/proxy/admin/admin-socket.ts';
import { defaultSocketPath } from '../doors/proxy/admin/socket-place.ts';
import { purgeRoutes } from '../doors/proxy/purge/purge-routes.ts';
import type { Logger } from '../telemetry/logger.ts';
import { drain, listenFailed, wait } from './draining.ts';
import { Health } from './health.ts';
import type { LoadedSettings } from './load-settings.ts';
import { MetricsListener } from './metrics-listener.ts';
import {
  closeProxyParts,
  openProxyParts,
  type ProxyParts,
  type ProxyServerSurroundings,
} from './proxy-parts.ts';
import type { ServerSettings } from './settings.ts';

/** The composition root of the HTTP caching proxy, on a host and port of its own. */
export class ProxyServer {
  /** Names of the backends and where they are, for the log. */
  readonly opened: { readonly backends: Readonly<Record<string, string>> };
  readonly #parts: ProxyParts;
  readonly #settings: ServerSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #health: Health;
  readonly #isAlone: boolean;
  #admin: AdminSocket | undefined;
  #metricsListener: MetricsListener | undefined;

  private constructor(
    parts: ProxyParts,
    { values: settings, backends: configs }: Pick<LoadedSettings, 'values' | 'backends'>,
    { logger, clock = systemClock, health }: ProxyServerSurroundings,
  ) {
    this.#parts = parts;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
    this.#health = health ?? new Health(undefined, clock, logger);
    this.#isAlone = health === undefined;
    this.opened = {
      backends: Object.fromEntries(configs.map(({ name, servers }) => [name, servers.join(', ')])),
    };
  }

  /**
   * @throws VelocityError `TLS_INVALID`, `POLICY_INVALID`, `AUDIT_UNAVAILABLE`, `STORAGE_*` or `LISTEN_FAILED`, each in words
   *   for an operator
   */
  static async start(
    loaded: Pick<LoadedSettings, 'values' | 'backends'>,
    around: ProxyServerSurroundings,
  ): Promise<ProxyServer> {
    const proxy = new ProxyServer(await openProxyParts(loaded, around), loaded, around);
    try {
      await proxy.#listen();
      await proxy.#openAdmin();
      await proxy.#openMetrics(around);
    } catch (error) {
      await proxy.stop(AbortSignal.abort());
      throw error;
    }
    proxy.#parts.backends.start();
    return proxy;
  }

  /** Where it listens; with port 0 this is the only way to know. */
  get url(): string {
    const { listener } = this.#parts;
    const { address, port, family } = listener.address();
    return `${listener.scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Where `velocity stat` and its like ask. */
  get adminSocket(): string | undefined {
    return this.#admin?.path;
  }

  /** Where `/metrics` is asked for. */
  get metricsUrl(): string | undefined {
    return this.#metricsListener?.url;
  }

  /** Reads the certificate again, for whoever does not wait until its change is seen. */
  reloadCertificate(): void {
    this.#parts.listener.reload();
  }

  /**
   * Says "not ready", waits for load balancers to notice, stops accepting, lets what is under way finish within the grace
   * time and cuts the rest. @param now skips every wait
   */
  async stop(now?: AbortSignal): Promise<void> {
    const { drainDelay, drainTimeout: timeout } = this.#settings;
    const [clock, logger] = [this.#clock, this.#logger];
    const { listener, requests, tunnels } = this.#parts;
    this.#health.drain();
    if (this.#isAlone && drainDelay > 0) await wait(drainDelay, clock, now);
    const adminClosed = this.#admin?.close();
    if (listener.isListening) {
      logger.info({ timeoutMs: timeout }, 'draining the proxy');
      await drain(listener.server, {
        ...{ clock, logger, timeout, now },
        onClosing: () => {
          listener.fastPath?.drain();
          requests.drain();
        },
        onCut: () => {
          listener.fastPath?.cutAll();
          tunnels?.close();
        },
      });
      logger.info('the proxy is stopped');
    }
    await adminClosed;
    await this.#metricsListener?.close();
    await closeProxyParts(this.#parts);
  }

  async #listen(): Promise<void> {
    const { proxyHost: host, proxyPort: port } = this.#settings;
    try {
      await this.#parts.listener.listen(port, host);
    } catch (error) {
      throw listenFailed(error, host, port, 'Set VC_PROXY_HOST or VC_PROXY_PORT.');
    }
  }

  /** Who names a socket counts on it; where it is merely usual, requests are worth more. */
  async #openAdmin(): Promise<void> {
    const { proxyAdminSocket: named } = this.#settings;
    if (named !== undefined) {
      this.#admin = await this.#adminAt(named);
      return;
    }
    try {
      const { port } = this.#parts.listener.address();
      this.#admin = await this.#adminAt(await defaultSocketPath(process.env, port));
    } catch (error) {
      this.#logger.warn(
        { reason: messageOf(error) },
        'there is no admin socket, so velocity log, top, stat, hist, purge and ban do not reach this proxy; set proxy.admin_socket',
      );
    }
  }

  #adminAt(path: string): Promise<AdminSocket> {
    const { log, cache, audit, metrics } = this.#parts;
    const { purges, purgedAnswers } = metrics.proxy;
    const routes = purgeRoutes(cache.purges, audit, (action, found) => {
      purges.inc({ action });
      if (action !== 'ban') purgedAnswers.inc({ action }, found);
    });
    const gauges = () => ({ ...cache.gauges() });
    return AdminSocket.open({ path, log, routes, gauges, logger: this.#logger });
  }

  async #openMetrics({ onTrace }: ProxyServerSurroundings): Promise<void> {
    const { proxyMetricsListen: address, logRequests: requestLog } = this.#settings;
    if (address === undefined) return;
    const around = { clock: this.#clock, logger: this.#logger, health: this.#health, requestLog, onTrace };
    this.#metricsListener = await MetricsListener.open(address, { ...around, metrics: this.#parts.metrics });
  }
}
