import type { AddressInfo } from 'node:net';
import type { Settings } from '../config/setting.ts';
import { createListener, type HttpApp } from '../http/listener.ts';
import type { RequestRecordsOptions } from '../http/request-records.ts';
import { drain, listenFailed } from './draining.ts';
import { type Health, registerHealth } from './health.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import { registerMetrics, type ServerMetrics } from './metrics.ts';

export const metricsListenSettings = {
  proxyMetricsListen: {
    key: 'proxy.metrics_listen',
    kind: listenAddress(),
    doc: 'Host and port for /metrics, /health and /ready of the proxy, such as 127.0.0.1:9090; without a host, 0.0.0.0. Without it there is no such address.',
  },
} as const satisfies Settings;

interface Surroundings extends Omit<RequestRecordsOptions, 'metrics'> {
  readonly metrics: ServerMetrics;
  readonly health: Health;
}

/** What watches a proxy asks here, and not where its clients do: there every path is an origin's. */
export class MetricsListener {
  readonly #app: HttpApp;
  readonly #around: Surroundings;

  private constructor(app: HttpApp, around: Surroundings) {
    this.#app = app;
    this.#around = around;
  }

  /** @throws VelocityError `LISTEN_FAILED` */
  static async open(
    { host = '0.0.0.0', port }: ListenAddress,
    around: Surroundings,
  ): Promise<MetricsListener> {
    const { metrics, health } = around;
    const app = createListener({ ...around, metrics: metrics.http });
    registerHealth(app, health);
    registerMetrics(app, metrics);
    try {
      await app.listen({ host, port });
    } catch (error) {
      throw listenFailed(error, host, port, 'Set VC_PROXY_METRICS_LISTEN.');
    }
    return new MetricsListener(app, around);
  }

  /** Where it listens. */
  get url(): string {
    const { address, port, family } = this.#app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** At once: whoever asks again finds nobody. */
  async close(): Promise<void> {
    const { clock, logger } = this.#around;
    await drain(this.#app.server, { clock, logger, timeout: 0, now: AbortSignal.abort() });
    await this.#app.close();
  }
}
