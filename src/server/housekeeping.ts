import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { StorageMetrics } from '../storage/metrics.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import { type Owner, type PruneLimits, type PruneSummary, prune } from '../storage/prune.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Hourly } from './hourly.ts';

export interface HousekeepingOptions {
  readonly store: ObjectStore;
  readonly limits: PruneLimits;
  /** Keeps each owner to its share. */
  readonly ownerOf?: ((key: ObjectKey) => Owner) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StorageMetrics;
}

/** Keeps a store within its limits: soon after the start, then every hour. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #hourly: Hourly;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#hourly = new Hourly(options.clock, () => this.run());
  }

  start(): void {
    this.#hourly.start();
  }

  /** Resolves when nothing is under way any more. */
  stop(): Promise<void> {
    return this.#hourly.stop();
  }

  /** Once, now. Trouble is logged: the server goes on, and the next hour comes. */
  async run(): Promise<PruneSummary | undefined> {
    const { store, limits, ownerOf, clock, logger, metrics } = this.#options;
    const tier = store.driver;
    try {
      const summary = await prune(store, limits, {
        now: clock.now(),
        ownerOf,
        signal: this.#hourly.stopped,
        onPruned: ({ reason, sizeBytes }) => {
          metrics.evictions.inc({ tier, reason });
          metrics.evictedBytes.inc({ tier }, sizeBytes);
        },
      });
      metrics.entries.set({ tier }, summary.kept);
      metrics.sizeBytes.set({ tier }, summary.keptBytes);
      if (summary.removed > 0 || summary.failed > 0) logger.info({ ...summary }, 'pruned the storage');
      return summary;
    } catch (error) {
      if (!this.#hourly.stopped.aborted)
        logger.error({ reason: messageOf(error) }, 'the storage could not be pruned');
      return undefined;
    }
  }
}
