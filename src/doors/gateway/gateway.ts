import type { Authenticator } from '../../auth/authenticator.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../auth/metrics.ts';
import type { PresignedPaths } from '../../auth/presigned-path.ts';
import type { Clock } from '../../base/clock.ts';
import type { BodyCache } from '../../cache/body-cache.ts';
import { PagedReadThrough } from '../../cache/paged-read-through.ts';
import { type ReadOutcome, ReadThrough } from '../../cache/read-through.ts';
import type { Tiers } from '../../cache/tiers.ts';
import type { FastAnswer } from '../../http/fast-path.ts';
import type { HttpApp } from '../../http/listener.ts';
import type { SimpleRequest } from '../../http/simple-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ObjectMeta } from './bucket-source.ts';
import type { Bucket } from './buckets.ts';
import { registerGateway } from './door.ts';
import { HotObjects } from './hot-objects.ts';
import type { GatewayMetrics } from './metrics.ts';
import { ObjectWrites } from './object-writes.ts';
import { Prefetches } from './prefetches.ts';
import { registerStats } from './stats.ts';
import { GatewayTraffic } from './traffic.ts';

export interface GatewayOptions {
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** Of this gateway alone; it closes them. */
  readonly tiers: Tiers<ObjectMeta>;
  readonly authenticator: Authenticator;
  /** Without it no URL is signed for this server. */
  readonly presigned: PresignedPaths | undefined;
  readonly limits: RateLimits;
  readonly metrics: GatewayMetrics;
  readonly authMetrics: AuthMetrics;
  /** Largest object that is accepted. */
  readonly maxUploadBytes: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** What is under way holds no more memory than this share of the memory tier, on each of two ways: fetches and uploads. */
const SHARE_UNDER_WAY = 1 / 4;

/** The object gateway: buckets behind tiers. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #cache: ReadThrough<ObjectMeta>;
  /** The same, with large objects in pages where there are any. */
  readonly #objects: BodyCache<ObjectMeta>;
  readonly #traffic: GatewayTraffic;
  readonly #prefetches: Prefetches;
  readonly #hot: HotObjects;

  constructor(options: GatewayOptions) {
    const { tiers, metrics, logger, clock } = options;
    const traffic = new GatewayTraffic(metrics, clock);
    const count = (outcome: ReadOutcome): void => metrics.reads.inc(outcome);
    const cache = new ReadThrough<ObjectMeta>({
      memory: tiers.memory,
      disk: tiers.disk,
      maxBodyBytes: tiers.maxBodyBytes,
      maxFlyingBytes: Math.max(
        tiers.memory.maxBytes * SHARE_UNDER_WAY,
        Math.min(tiers.maxBodyBytes, tiers.memory.maxBytes),
      ),
      ...{ clock, count },
      onFetched: (bytes) => traffic.fetched(bytes),
    });
    this.#options = options;
    this.#cache = cache;
    this.#traffic = traffic;
    this.#objects =
      tiers.pageBytes === undefined
        ? cache
        : new PagedReadThrough({
            ...{ cache, pageBytes: tiers.pageBytes, count },
            maxWarmBytes: tiers.maxBodyBytes,
          });
    this.#prefetches = new Prefetches(this.#objects, metrics, logger);
    this.#hot = new HotObjects({ ...options, cache, traffic });
    metrics.levels.read = () => ({ flights: cache.flights, tiers: tiers.levels() });
  }

  /** What is in memory, for whoever may have it. */
  answer(request: SimpleRequest, connection: object): FastAnswer | undefined {
    return this.#hot.answer(request, connection);
  }

  register(app: HttpApp): void {
    const { tiers, logger, metrics, clock } = this.#options;
    const [cache, objects, traffic] = [this.#cache, this.#objects, this.#traffic];
    const writes = new ObjectWrites({
      ...{ cache: objects, logger },
      maxKeptBytes: tiers.maxBodyBytes,
      maxGatheredBytes: tiers.memory.maxBytes * SHARE_UNDER_WAY,
    });
    const prefetches = this.#prefetches;
    registerGateway(app, { ...this.#options, cache: objects, writes, traffic, prefetches });
    registerStats(app, { cache, tiers, metrics, traffic, clock });
  }

  /** Ends what goes on in the background and writes down what the tiers still have to. */
  async close(): Promise<void> {
    await Promise.all([this.#prefetches.close(), this.#cache.close()]);
    await this.#options.tiers.close();
  }
}
