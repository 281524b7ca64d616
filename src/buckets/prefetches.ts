import type { BodyCache } from '../cache/body-cache.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BucketObject } from './bucket-object.ts';
import { BucketSource, type ObjectMeta } from './bucket-source.ts';
import type { BucketMetrics } from './metrics.ts';

/** Fetched ahead at once; more is dropped, for whoever asks for it gets it all the same. */
const MAX_AT_ONCE = 32;

/** Warms the tiers in the background. */
export class Prefetches {
  readonly #cache: BodyCache<ObjectMeta>;
  readonly #metrics: BucketMetrics;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(cache: BodyCache<ObjectMeta>, metrics: BucketMetrics, logger: Logger) {
    this.#cache = cache;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  begin({ bucket, key, tierKey }: BucketObject): void {
    if (this.#underWay.size >= MAX_AT_ONCE) {
      this.#metrics.prefetches.inc({ outcome: 'dropped' });
      return;
    }
    const warming = this.#cache
      .warm(tierKey, new BucketSource(bucket, key), this.#closing.signal)
      .then((isWarm) => this.#metrics.prefetches.inc({ outcome: isWarm ? 'done' : 'dropped' }))
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#metrics.prefetches.inc({ outcome: 'failed' });
        this.#logger.warn({ bucket: bucket.id, key, err: error }, 'an object could not be fetched ahead');
      })
      .finally(() => this.#underWay.delete(warming));
    this.#underWay.add(warming);
  }

  /** Gives up what is left of those under way, which is no failure to tell of. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#underWay);
  }
}
