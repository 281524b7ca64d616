import assert from 'node:assert/strict';
import type { Transaction } from '../../src/doors/proxy/transaction.ts';
import { loadProxySettings } from '../../src/server/load-settings.ts';
import { openMetrics, type ServerMetrics } from '../../src/server/metrics.ts';
import { ProxyServer } from '../../src/server/proxy-server.ts';
import { openLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from './manual-clock.ts';
import { type Script, ScriptedOrigin } from './scripted-origin.ts';

/** The proxy's server in this process, before a scripted origin that is its backend. */
export class TestProxy implements AsyncDisposable {
  readonly server: ProxyServer;
  readonly origin: ScriptedOrigin;
  readonly clock: ManualClock;
  readonly metrics: ServerMetrics;
  /** All that have ended. */
  readonly transactions: Transaction[];
  /** What it logged, a line each. */
  readonly lines: Record<string, unknown>[];
  #isStopped = false;

  private constructor(
    server: ProxyServer,
    origin: ScriptedOrigin,
    parts: Pick<TestProxy, 'clock' | 'metrics' | 'transactions' | 'lines'>,
  ) {
    this.server = server;
    this.origin = origin;
    this.clock = parts.clock;
    this.metrics = parts.metrics;
    this.transactions = parts.transactions;
    this.lines = parts.lines;
  }

  /** @param env on top of a free port of 127.0.0.1 and the origin as its backend */
  static async start(scripts: readonly Script[], env: NodeJS.ProcessEnv = {}): Promise<TestProxy> {
    const origin = await ScriptedOrigin.start(scripts);
    const parts = { clock: new ManualClock(), metrics: openMetrics('0'), transactions: [], lines: [] };
    const { transactions, lines }: Pick<TestProxy, 'transactions' | 'lines'> = parts;
    const loaded = loadProxySettings({
      flags: new Map(),
      env: { VC_PROXY_PORT: '0', VC_PROXY_BACKEND: origin.url, ...env },
      configFiles: [],
    });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    try {
      const server = await ProxyServer.start(loaded.value, {
        ...{ clock: parts.clock, metrics: parts.metrics, version: '0' },
        logger: openLogger('debug', { write: (line: string) => void lines.push(JSON.parse(line)) }),
        onTransaction: (transaction) => void transactions.push(transaction),
      });
      return new TestProxy(server, origin, parts);
    } catch (error) {
      await origin[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.server.url;
  }

  async stop(now?: AbortSignal): Promise<void> {
    this.#isStopped = true;
    await this.server.stop(now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStopped) await this.stop(AbortSignal.abort());
    await this.origin[Symbol.asyncDispose]();
  }
}
