import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import type { ObjectKey } from './object-key.ts';
import type { Got, ObjectFacts, ObjectStore } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/** How long a store that failed is asked last. */
const AVOIDED_MS = 10_000;

export interface FailoverOptions {
  readonly clock: Clock;
  /** Called once for each read that another than the first store answered. */
  readonly onFailover?: () => void;
}

interface Replica {
  readonly store: ObjectStore;
  /** When it may be asked in its turn again, by `Clock.elapsed`; `undefined`: it is well. */
  avoidedUntil: number | undefined;
}

/**
 * Stores with the same objects as one, in order of preference. A read is answered by the first that has the object, whole
 * and with that store's facts; a store that fails or has none leaves it to the next one. One that failed is asked last
 * for a while; then one read tries it, and those beside it do not. Writes, listings and URLs are the first store's alone.
 *
 * A miss is claimed only where every store said so. While one fails, what the others do not have may be in it: that is its
 * failure, not a miss, for a client takes a miss at its word.
 */
export class FailoverStore extends WrappedStore {
  readonly #replicas: readonly Replica[];
  readonly #clock: Clock;
  readonly #onFailover: () => void;

  constructor(
    first: ObjectStore,
    others: readonly ObjectStore[],
    { clock, onFailover = () => {} }: FailoverOptions,
  ) {
    super(first);
    this.#replicas = [first, ...others].map((store) => ({ store, avoidedUntil: undefined }));
    this.#clock = clock;
    this.#onFailover = onFailover;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#first((store) => store.head(key, signal), signal);
  }

  override get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#first((store) => store.get(key, range, signal), signal);
  }

  /** Well where one is: that one can be read. */
  override async probe(signal?: AbortSignal): Promise<void> {
    const probes = this.#replicas.map(({ store }) => store.probe(signal));
    await Promise.any(probes).catch(() => probes[0]);
  }

  /** The stores have names of their own, and are closed under those. */
  override async close(): Promise<void> {}

  async #first<T>(
    ask: (store: ObjectStore) => Promise<T | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    const failures: VelocityError[] = [];
    for (const replica of this.#inOrder()) {
      if (replica.avoidedUntil !== undefined) this.#avoid(replica); // this read tries; those beside it do not
      try {
        const found = await ask(replica.store);
        replica.avoidedUntil = undefined;
        if (found === undefined) continue;
        if (replica !== this.#replicas[0]) this.#onFailover();
        return found;
      } catch (error) {
        if (signal?.aborted || !isStorageFailure(error)) throw error;
        this.#avoid(replica);
        failures.push(error);
      }
    }
    if (failures[0]) throw failures[0];
    return undefined;
  }

  #inOrder(): readonly Replica[] {
    const now = this.#clock.elapsed();
    const isAvoided = ({ avoidedUntil = now }: Replica): boolean => avoidedUntil > now;
    return this.#replicas.toSorted((a, b) => Number(isAvoided(a)) - Number(isAvoided(b)));
  }

  #avoid(replica: Replica): void {
    replica.avoidedUntil = this.#clock.elapsed() + AVOIDED_MS;
  }
}

function isStorageFailure(error: unknown): error is VelocityError {
  return error instanceof VelocityError && error.code.startsWith('STORAGE_');
}
