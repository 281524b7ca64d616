import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { registerExchange } from '../auth/exchange-route.ts';
import { limitAddress } from '../auth/limits/limit-hooks.ts';
import { RateLimits } from '../auth/limits/rate-limits.ts';
import { type OpenTokens, openTokens } from '../auth/open-tokens.ts';
import { opensBuildCache } from '../auth/settings.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import type { BucketObjects } from '../buckets/bucket-objects.ts';
import { filesOfHosts } from '../doors/files/own-host.ts';
import { type FastAnswer, FastPath } from '../http/fast-path.ts';
import { createListener, type HttpApp } from '../http/listener.ts';
import { RequestRecords, type RequestRecordsOptions } from '../http/request-records.ts';
import type { SimpleRequest } from '../http/simple-request.ts';
import { TrustedProxies } from '../http/trusted-proxies.ts';
import type { ObjectStore } from '../storage/store.ts';
import { AuditLog } from '../telemetry/audit-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import { drain, listenFailed, wait } from './draining.ts';
import { Health, registerHealth } from './health.ts';
import type { LoadedSettings } from './load-settings.ts';
import { openMetrics, registerMetrics } from './metrics.ts';
import { openBuckets } from './open-buckets.ts';
import { openBuildCache } from './open-build-cache.ts';
import type { OpenDoor } from './open-door.ts';
import { openFilesDoor } from './open-files.ts';
import { openGateway } from './open-gateway.ts';
import { ProxyServer } from './proxy-server.ts';
import type { ServerSettings } from './settings.ts';

export interface ServerSurroundings {
  readonly logger: Logger;
  readonly version: string;
  readonly clock?: Clock;
  /** Told of every request but probes. */
  readonly onTrace?: RequestRecordsOptions['onTrace'];
}

/** The composition root: settings in, open doors out. */
export class VelocityServer {
  /** What is behind the doors, for the log: the build cache's driver, the names of the gateway's stores. */
  readonly opened: { readonly driver?: string; readonly stores?: readonly string[] };
  readonly #app: HttpApp;
  readonly #fastPath: FastPath | undefined;
  readonly #doors: readonly OpenDoor[];
  readonly #objects: BucketObjects | undefined;
  readonly #tokens: OpenTokens;
  readonly #health: Health;
  readonly #settings: ServerSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #proxy: ProxyServer | undefined;

  private constructor(
    app: HttpApp,
    fastPath: FastPath | undefined,
    doors: readonly OpenDoor[],
    objects: BucketObjects | undefined,
    tokens: OpenTokens,
    health: Health,
    settings: ServerSettings,
    logger: Logger,
    clock: Clock,
    opened: VelocityServer['opened'],
  ) {
    this.opened = opened;
    this.#app = app;
    this.#fastPath = fastPath;
    this.#doors = doors;
    this.#objects = objects;
    this.#tokens = tokens;
    this.#health = health;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Opens what lies behind the doors and listens.
   * @throws VelocityError `AUDIT_UNAVAILABLE`, `TOKENS_INVALID`, `DRIVER_UNAVAILABLE`, `STORAGE_*` or `LISTEN_FAILED`, each in words for an operator.
   */
  static async start(
    loaded: Pick<LoadedSettings, 'values' | 'stores' | 'mounts' | 'backends'>,
    around: ServerSurroundings,
  ): Promise<VelocityServer> {
    const { values: settings, stores, mounts, backends } = loaded;
    const { logger, version, clock = systemClock, onTrace } = around;
    const metrics = openMetrics(version);
    const audit = new AuditLog(settings.auditFile, clock, logger);
    const secret = settings.urlSecret ?? settings.authToken ?? new Secret(randomBytes(32).toString('hex'));
    const tokens = openTokens(settings, { secret, logger, clock });
    const { authenticator } = tokens;
    const proxies = new TrustedProxies(settings.trustedProxies);
    const limits = new RateLimits(settings, { clock, metrics: metrics.limits, proxies });
    const surroundings: DoorSurroundings = { authenticator, limits, proxies, metrics, logger, clock };

    const doors: OpenDoor[] = [];
    let storage: ObjectStore | undefined;
    let objects: BucketObjects | undefined;
    try {
      if (opensBuildCache(settings)) {
        const door = await openBuildCache(settings, { ...surroundings, audit, secret, version });
        doors.push(door);
        storage = door.store;
      }
      if (stores.size > 0) {
        objects = await openBuckets(settings, stores, surroundings);
        doors.push(openGateway(settings, objects, surroundings));
      }
      const { filesRoot } = settings;
      if (filesRoot !== undefined)
        doors.push(
          await openFilesDoor(settings, { ...surroundings, root: filesRoot, mounts, objects, audit }),
        );
    } catch (error) {
      await closeAll(doors, objects, tokens);
      throw error;
    }

    const recording = { logger, metrics: metrics.http, clock, requestLog: settings.logRequests, onTrace };
    const filesHosts = settings.filesRoot === undefined ? [] : (settings.filesHosts ?? []);
    const app = createListener({ ...recording, targetOf: filesOfHosts(filesHosts) });
    const looksAtHead = limits.limitsAddresses || filesHosts.length > 0;
    const fastPath = looksAtHead
      ? undefined // it looks neither at addresses nor at hosts
      : FastPath.before(app.server, {
          answer: (request, connection) => firstAnswer(doors, request, connection),
          records: new RequestRecords(recording),
          clock,
        });
    const health = new Health(storage, clock, logger);
    registerHealth(app, health);
    registerMetrics(app, metrics);
    // Around the doors alone: a flood must not make probes believe that the server is gone.
    app.register(async (scope) => {
      if (limits.limitsAddresses) scope.addHook('onRequest', limitAddress(limits));
      registerExchange(scope as HttpApp, authenticator, metrics.auth);
      for (const door of doors) door.register(scope as HttpApp);
    });

    const opened = {
      ...(storage ? { driver: storage.driver } : {}),
      ...(stores.size > 0 ? { stores: [...stores.keys()] } : {}),
    };
    const server = new VelocityServer(
      app,
      fastPath,
      doors,
      objects,
      tokens,
      health,
      settings,
      logger,
      clock,
      opened,
    );
    await server.#listen();
    try {
      if (backends.length > 0)
        server.#proxy = await ProxyServer.start(loaded, { ...around, metrics, health });
    } catch (error) {
      await server.#close();
      throw error;
    }
    for (const door of doors) door.start();
    return server;
  }

  /** Where it listens; with port 0 this is the only way to know. */
  get url(): string {
    const { address, port, family } = this.#app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Where the proxy beside it listens, if there is one. */
  get proxyUrl(): string | undefined {
    return this.#proxy?.url;
  }

  /** Reads the token file and the proxy's certificate again, for whoever does not wait until their change is seen. */
  reload(): void {
    this.#tokens.reload();
    this.#proxy?.reloadCertificate();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#settings;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      await closeAll(this.#doors, this.#objects, this.#tokens);
      throw listenFailed(error, host, port, 'Set VC_HOST or VC_PORT.');
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
    if (drainDelay > 0) await wait(drainDelay, this.#clock, now);

    const own = drain(this.#app.server, {
      clock: this.#clock,
      logger: this.#logger,
      timeout: drainTimeout,
      now,
      onClosing: () => this.#fastPath?.drain(),
      onCut: () => this.#fastPath?.cutAll(),
    });
    await Promise.all([own, this.#proxy?.stop(now)]);
    await this.#close();
    this.#logger.info('stopped');
  }

  async #close(): Promise<void> {
    await this.#app.close();
    await closeAll(this.#doors, this.#objects, this.#tokens);
  }
}

function firstAnswer(
  doors: readonly OpenDoor[],
  request: SimpleRequest,
  connection: object,
): FastAnswer | undefined {
  for (const door of doors) {
    const answer = door.answer(request, connection);
    if (answer) return answer;
  }
  return undefined;
}

async function closeAll(
  doors: readonly OpenDoor[],
  objects: BucketObjects | undefined,
  tokens: OpenTokens,
): Promise<void> {
  for (const door of doors) await door.close();
  await objects?.close();
  tokens.close();
}
