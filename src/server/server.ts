import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { BlobUrls } from '../auth/blob-url.ts';
import { registerExchange } from '../auth/exchange-route.ts';
import { limitAddress } from '../auth/limits/limit-hooks.ts';
import { RateLimits } from '../auth/limits/rate-limits.ts';
import { type OpenTokens, openTokens } from '../auth/open-tokens.ts';
import { UploadUrls } from '../auth/upload-url.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { messageOf, systemCode, VelocityError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { type BuildCacheDoorOptions, registerBuildCache } from '../doors/build-cache/door.ts';
import { HotAnswers } from '../doors/build-cache/hot-answers.ts';
import { ownerOf } from '../doors/build-cache/scoped-key.ts';
import { FastPath } from '../http/fast-path.ts';
import { createListener, type HttpApp } from '../http/listener.ts';
import { RequestRecords } from '../http/request-records.ts';
import { TrustedProxies } from '../http/trusted-proxies.ts';
import type { StorageMetrics } from '../storage/metrics.ts';
import { openStore } from '../storage/open-store.ts';
import { retentionLimits } from '../storage/settings.ts';
import type { ObjectStore } from '../storage/store.ts';
import { WatchedStore } from '../storage/watched-store.ts';
import { AuditLog } from '../telemetry/audit-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Health, registerHealth } from './health.ts';
import { Hourly } from './hourly.ts';
import { Housekeeping } from './housekeeping.ts';
import { openMetrics, registerMetrics } from './metrics.ts';
import type { ServerSettings } from './settings.ts';
import { sweepUploads } from './sweep-uploads.ts';

export interface ServerSurroundings {
  readonly logger: Logger;
  readonly version: string;
  readonly clock?: Clock;
}

/** The composition root: settings in, open doors out. */
export class VelocityServer {
  readonly #app: HttpApp;
  readonly #fastPath: FastPath | undefined;
  readonly #store: ObjectStore;
  readonly #tokens: OpenTokens;
  readonly #health: Health;
  readonly #settings: ServerSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #sweep: Hourly;
  #housekeeping: Housekeeping | undefined;

  private constructor(
    app: HttpApp,
    fastPath: FastPath | undefined,
    store: ObjectStore,
    tokens: OpenTokens,
    health: Health,
    settings: ServerSettings,
    logger: Logger,
    clock: Clock,
  ) {
    this.#app = app;
    this.#fastPath = fastPath;
    this.#store = store;
    this.#tokens = tokens;
    this.#health = health;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
    this.#sweep = new Hourly(clock, (stopped) => sweepUploads(store, { clock, logger, stopped }));
  }

  /**
   * Opens the storage and listens.
   * @throws VelocityError `AUDIT_UNAVAILABLE`, `TOKENS_INVALID`, `DRIVER_UNAVAILABLE`, `STORAGE_*` or `LISTEN_FAILED`, each in words for an operator.
   */
  static async start(settings: ServerSettings, around: ServerSurroundings): Promise<VelocityServer> {
    const { logger, version, clock = systemClock } = around;
    const metrics = openMetrics(version);
    const audit = new AuditLog(settings.auditFile, clock, logger);
    const secret = settings.urlSecret ?? settings.authToken ?? new Secret(randomBytes(32).toString('hex'));
    const tokens = openTokens(settings, { secret, logger, clock });
    const opened = await openStore(settings, { logger, metrics: metrics.storage, clock }).catch((error) => {
      tokens.close();
      throw error;
    });

    const proxies = new TrustedProxies(settings.trustedProxies);
    const limits = new RateLimits(settings, { clock, metrics: metrics.limits, proxies });
    const hot = new HotAnswers({
      maxBytes: settings.memoryMaxSize,
      ttlMs: settings.memoryTtl,
      lookUp: (key) => opened.head(key),
      authenticator: tokens.authenticator,
      limits,
      metrics: metrics.buildCache,
      clock,
    });
    const store = new WatchedStore(opened, (key) => hot.forget(key));

    const recording = { logger, metrics: metrics.http, clock, requestLog: settings.logRequests };
    const app = createListener(recording);
    const fastPath = limits.limitsAddresses
      ? undefined // it does not look at addresses
      : FastPath.before(app.server, {
          answer: (request) => hot.answer(request),
          records: new RequestRecords(recording),
          clock,
        });
    const health = new Health(store, clock, logger);
    registerHealth(app, health);
    registerMetrics(app, metrics);
    const buildCache: BuildCacheDoorOptions = {
      store,
      authenticator: tokens.authenticator,
      urls: new BlobUrls(secret),
      uploadUrls: new UploadUrls(secret),
      metrics: metrics.buildCache,
      authMetrics: metrics.auth,
      audit,
      proxies,
      logger,
      clock,
      publicUrl: settings.publicUrl,
      urlTtlSeconds: Math.max(1, Math.ceil(settings.urlTtl / 1000)),
      maxArtifactBytes: settings.maxArtifactBytes,
      gradleOversize: settings.gradleOversize,
      turborepoRequireTag: settings.turborepoRequireTag,
      actionResults: settings.actionResults,
      version,
      limits,
      hot,
    };
    // Around the doors alone: a flood must not make probes believe that the server is gone.
    app.register(async (doors) => {
      if (limits.limitsAddresses) doors.addHook('onRequest', limitAddress(limits));
      registerExchange(doors as HttpApp, tokens.authenticator, metrics.auth);
      registerBuildCache(doors as HttpApp, buildCache);
    });

    const server = new VelocityServer(app, fastPath, store, tokens, health, settings, logger, clock);
    await server.#listen();
    server.#keepHouse(metrics.storage);
    server.#sweep.start();
    return server;
  }

  /** Buckets have lifecycle rules of their own, which cost no listing. */
  #keepHouse(metrics: StorageMetrics): void {
    const limits = retentionLimits(this.#settings);
    if (!limits) return;
    const { driver } = this.#store;
    if (driver !== 'local') {
      this.#logger.warn(
        `VC_RETENTION_… is for the local driver: give the ${driver} storage a lifecycle rule, or run "velocity cache prune" from time to time`,
      );
      return;
    }
    this.#housekeeping = new Housekeeping({
      store: this.#store,
      limits,
      ownerOf,
      clock: this.#clock,
      logger: this.#logger,
      metrics,
    });
    this.#housekeeping.start();
  }

  /** Where it listens; with port 0 this is the only way to know. */
  get url(): string {
    const { address, port, family } = this.#app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Reads the token file again, for whoever does not wait until its change is seen. */
  reloadTokens(): void {
    this.#tokens.reload();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#settings;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      await this.#store.close();
      this.#tokens.close();
      const why = systemCode(error) === 'EADDRINUSE' ? 'another program listens there' : messageOf(error);
      throw new VelocityError(
        'LISTEN_FAILED',
        `Could not listen on ${host}:${port}: ${why}. Set VC_HOST or VC_PORT.`,
        {
          cause: error,
        },
      );
    }
  }

  /**
   * Says "not ready", waits for load balancers to notice, stops accepting, lets transfers
   * finish within the grace time and cuts what is left. Resolves when all is closed.
   * @param now skips every wait: a second signal.
   */
  async stop(now?: AbortSignal): Promise<void> {
    const { drainDelay, drainTimeout } = this.#settings;
    this.#health.drain();
    this.#logger.info({ delayMs: drainDelay, timeoutMs: drainTimeout }, 'draining');
    if (drainDelay > 0) await this.#wait(drainDelay, now);

    const { server } = this.#app;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Keep-alive connections are told to go with their next answer, idle ones go at once.
    // Before fastify's own listener: some requests it answers at once, and then it is too late for a header.
    server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
    server.closeIdleConnections();
    this.#fastPath?.drain();
    const cutAll = (): void => {
      server.closeAllConnections();
      this.#fastPath?.cutAll();
    };
    const cancel = this.#clock.after(drainTimeout, () => {
      this.#logger.warn('the grace time is over: cutting what is still under way');
      cutAll();
    });
    if (now?.aborted) cutAll();
    else now?.addEventListener('abort', cutAll, { once: true });
    await closed;
    cancel();
    now?.removeEventListener('abort', cutAll);
    await this.#app.close();
    await this.#housekeeping?.stop();
    await this.#sweep.stop();
    await this.#store.close();
    this.#tokens.close();
    this.#logger.info('stopped');
  }

  #wait(ms: number, cut: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (cut?.aborted) return resolve();
      const cancel = this.#clock.after(ms, resolve);
      cut?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}
