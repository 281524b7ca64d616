import type { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import type { StorageMetrics } from './metrics.ts';
import type { ObjectKey } from './object-key.ts';
import type {
  Got,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
} from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/** Counts and times every call of the store below it. */
export class MeteredStore extends WrappedStore {
  readonly #metrics: StorageMetrics;
  readonly #clock: Clock;

  constructor(below: ObjectStore, metrics: StorageMetrics, clock: Clock) {
    super(below);
    this.#metrics = metrics;
    this.#clock = clock;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#measure('head', () => super.head(key, signal), hitOrMiss);
  }

  override get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#measure('get', () => super.get(key, range, signal), hitOrMiss);
  }

  override put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return this.#measure(
      'put',
      () => super.put(key, body, options),
      (outcome) => outcome,
    );
  }

  override delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#measure('delete', () => super.delete(key, signal), done);
  }

  override presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.#measure('presign', () => super.presign(key, request), done);
  }

  override probe(signal?: AbortSignal): Promise<void> {
    return this.#measure('probe', () => super.probe(signal), done);
  }

  async #measure<T>(operation: string, work: () => Promise<T>, outcomeOf: (result: T) => string): Promise<T> {
    const { driver } = this;
    const startedAt = this.#clock.elapsed();
    try {
      const result = await work();
      this.#metrics.operations.inc({ driver, operation, outcome: outcomeOf(result) });
      return result;
    } catch (error) {
      this.#metrics.operations.inc({ driver, operation, outcome: 'error' });
      throw error;
    } finally {
      this.#metrics.durations.observe({ driver, operation }, (this.#clock.elapsed() - startedAt) / 1000);
    }
  }
}

function hitOrMiss(result: unknown): string {
  return result === undefined ? 'miss' : 'hit';
}

function done(): string {
  return 'done';
}
