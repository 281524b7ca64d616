import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../base/clock.ts';
import { GRACE_MS } from '../base/process-group.ts';
import { registerBuildRoute } from '../doors/offload/build-server/build-route.ts';
import { BuildService } from '../doors/offload/build-server/build-service.ts';
import { Outputs } from '../doors/offload/build-server/outputs.ts';
import { createListener, type HttpApp } from '../http/listener.ts';
import type { Logger } from '../telemetry/logger.ts';
import { drain, listenFailed } from './draining.ts';
import { Health, registerHealth } from './health.ts';
import { Hourly } from './hourly.ts';
import type { BuildServerSettings } from './load-build-server.ts';
import { openMetrics, registerMetrics } from './metrics.ts';

export interface BuildServerSurroundings {
  readonly logger: Logger;
  readonly version: string;
  /** The process's own variables, of which recipes may pass some on. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
}

interface Parts {
  readonly app: HttpApp;
  readonly service: BuildService;
  readonly outputs: Outputs;
  readonly health: Health;
  readonly pruning: Hourly;
}

/** After the grace time: how long answers may take to go out once the commands were told to end. */
const LAST_ANSWERS_MS = GRACE_MS + 1_000;

/** The composition root of `velocity build-server`. */
export class BuildServer {
  readonly #parts: Parts;
  readonly #settings: BuildServerSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;

  private constructor(parts: Parts, settings: BuildServerSettings, logger: Logger, clock: Clock) {
    this.#parts = parts;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @throws VelocityError `STORAGE_UNAVAILABLE`, `LISTEN_FAILED`, in words for an operator */
  static async start(settings: BuildServerSettings, around: BuildServerSurroundings): Promise<BuildServer> {
    const { logger, clock = systemClock } = around;
    const parts = await openParts(settings, { ...around, clock });
    const { host, port } = settings;
    try {
      await parts.app.listen({ host, port });
    } catch (error) {
      await parts.outputs.close();
      throw listenFailed(error, host, port, 'Give another address with --listen.');
    }
    parts.pruning.start();
    return new BuildServer(parts, settings, logger, clock);
  }

  /** Where it listens; with port 0 this is the only way to know. */
  get url(): string {
    const { address, port, family } = this.#parts.app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Takes no more builds, gives those under way the grace time, ends the rest and tells their askers. @param now skips the wait */
  async stop(now?: AbortSignal): Promise<void> {
    const { app, service, outputs, health, pruning } = this.#parts;
    const [clock, logger, { grace }] = [this.#clock, this.#logger, this.#settings];
    logger.info(
      { timeoutMs: grace, running: service.running, waiting: service.waiting },
      'draining the build server',
    );
    health.drain();
    service.refuse();
    const end = (): void => service.end();
    const cancel = clock.after(grace, end);
    if (now?.aborted) end();
    else now?.addEventListener('abort', end, { once: true });
    await drain(app.server, { clock, logger, timeout: grace + LAST_ANSWERS_MS, now });
    end();
    cancel();
    await service.idle();
    await pruning.stop();
    await outputs.close();
    await app.close();
    logger.info('the build server is stopped');
  }
}

async function openParts(
  settings: BuildServerSettings,
  { logger, version, env, clock }: BuildServerSurroundings & { readonly clock: Clock },
): Promise<Parts> {
  const { recipes, keep, concurrency, queue, token } = settings;
  const outputs = await Outputs.open(settings.output, keep, clock);
  const service = new BuildService({ ...{ recipes, outputs, concurrency, queue }, env, clock, logger });
  const metrics = openMetrics(version);
  const app = createListener({ logger, metrics: metrics.http, clock, requestLog: 'none' });
  const health = new Health(undefined, clock, logger);
  registerHealth(app, health);
  registerMetrics(app, metrics);
  registerBuildRoute(app, { service, token, clock, logger });
  const pruning = new Hourly(clock, () =>
    outputs.prune().catch((err: unknown) => logger.warn({ err }, 'the folder of outputs cannot be pruned')),
  );
  return { app, service, outputs, health, pruning };
}
