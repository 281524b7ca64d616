import type { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
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

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long nothing is asked of the backend then; after it one call tries. */
  readonly openMs: number;
  readonly clock: Clock;
  readonly onChange?: (state: 'open' | 'closed') => void;
}

/**
 * Stops asking a backend that does not answer: calls fail at once instead of each waiting for its timeout,
 * so a build hears soon that there is no cache. Probes always go through, and a good one closes the circuit.
 */
export class CircuitBreakerStore extends WrappedStore {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  /** When the circuit was opened, or last tried. */
  #openedAt: number | undefined;

  constructor(below: ObjectStore, options: CircuitBreakerOptions) {
    super(below);
    this.#options = options;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#guard(() => super.head(key, signal));
  }

  override get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#guard(() => super.get(key, range, signal));
  }

  override put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return this.#guard(() => super.put(key, body, options));
  }

  override delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#guard(() => super.delete(key, signal));
  }

  override presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.#guard(() => super.presign(key, request));
  }

  override probe(signal?: AbortSignal): Promise<void> {
    return this.#watch(() => super.probe(signal));
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    const { openMs, clock } = this.#options;
    if (this.#openedAt !== undefined) {
      if (clock.elapsed() - this.#openedAt < openMs) throw this.#refusal();
      this.#openedAt = clock.elapsed(); // this call tries; those beside it do not
    }
    return this.#watch(work);
  }

  async #watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#well();
      return result;
    } catch (error) {
      if (error instanceof VelocityError && error.code === 'STORAGE_UNAVAILABLE') this.#unwell();
      throw error;
    }
  }

  #well(): void {
    this.#failures = 0;
    if (this.#openedAt === undefined) return;
    this.#openedAt = undefined;
    this.#options.onChange?.('closed');
  }

  #unwell(): void {
    const { failures, clock, onChange } = this.#options;
    if (++this.#failures < failures) return;
    const wasOpen = this.#openedAt !== undefined;
    this.#openedAt = clock.elapsed();
    if (!wasOpen) onChange?.('open');
  }

  #refusal(): VelocityError {
    return new VelocityError(
      'STORAGE_UNAVAILABLE',
      `The ${this.driver} storage has not answered ${this.#failures} times in a row; it is left alone for a moment.`,
    );
  }
}
