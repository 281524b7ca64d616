import type { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import type { StorageMetrics } from './metrics.ts';
import type { ObjectKey } from './object-key.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
  StoreCapabilities,
} from './store.ts';

/** Counts and times every call of the store below it. */
export class MeteredStore implements ObjectStore {
  readonly driver: string;
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  readonly #metrics: StorageMetrics;
  readonly #clock: Clock;

  constructor(store: ObjectStore, metrics: StorageMetrics, clock: Clock) {
    this.driver = store.driver;
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#measure('head', () => this.#store.head(key, signal), hitOrMiss);
  }

  get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#measure('get', () => this.#store.get(key, range, signal), hitOrMiss);
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return this.#measure(
      'put',
      () => this.#store.put(key, body, options),
      (outcome) => outcome,
    );
  }

  delete(key: ObjectKey): Promise<void> {
    return this.#measure('delete', () => this.#store.delete(key), done);
  }

  list(options: ListOptions): AsyncIterable<ListedObject> {
    return this.#store.list(options);
  }

  presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.#measure('presign', () => this.#store.presign(key, request), done);
  }

  probe(signal?: AbortSignal): Promise<void> {
    return this.#measure('probe', () => this.#store.probe(signal), done);
  }

  close(): Promise<void> {
    return this.#store.close();
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
