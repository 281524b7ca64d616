import type { Clock } from '../base/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { CircuitBreakerStore } from './circuit-breaker-store.ts';
import type { StorageMetrics } from './metrics.ts';
import { RetryingStore } from './retrying-store.ts';
import type { ObjectStore } from './store.ts';
import { TimeoutStore, type Timeouts } from './timeout-store.ts';

export interface StoreSurroundings {
  readonly logger: Logger;
  readonly metrics: StorageMetrics;
  readonly clock: Clock;
}

const TIMEOUTS: Timeouts = { answerMs: 10_000, stallMs: 60_000 };
const RETRIES = { attempts: 3, pauseMs: 200, deadlineMs: 15_000 };
const BREAKER = { failures: 5, openMs: 5_000 };

/** For a backend behind a network: one that falls silent is given up. */
export function answering(store: ObjectStore, clock: Clock): ObjectStore {
  return new TimeoutStore(store, TIMEOUTS, clock);
}

/** The same: what fails is tried again, what goes on failing is left alone for a while. */
export function patient(store: ObjectStore, { clock, metrics, logger }: StoreSurroundings): ObjectStore {
  const { driver } = store;
  metrics.circuitOpen.set({ driver }, 0);
  const retrying = new RetryingStore(store, {
    ...RETRIES,
    clock,
    onRetry: (operation) => metrics.retries.inc({ driver, operation }),
  });
  return new CircuitBreakerStore(retrying, {
    ...BREAKER,
    clock,
    onChange: (state) => {
      metrics.circuitOpen.set({ driver }, state === 'open' ? 1 : 0);
      if (state === 'open') logger.error('the storage does not answer; it is left alone for a moment');
      else logger.info('the storage answers again');
    },
  });
}
