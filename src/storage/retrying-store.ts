import { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import type { Digest } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import type { ObjectKey } from './object-key.ts';
import { spool } from './spool.ts';
import type { Got, ObjectFacts, ObjectStore, PutOptions, PutOutcome } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

export interface RetryOptions {
  /** Tries in all, the first among them. */
  readonly attempts: number;
  /** The longest pause before the second try; it doubles with each further one. */
  readonly pauseMs: number;
  /** Nothing is tried again once a call has taken so long. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly onRetry?: (operation: string) => void;
}

/**
 * Tries again what an unwell backend (`STORAGE_UNAVAILABLE`) did not do, after a pause of random length, so
 * that many clients do not come back at once. A body that has begun is not asked for again.
 *
 * A write is repeated only under its first-write condition. A reply may be lost after the backend has
 * stored: `exists` after a try of our own is resolved by digest, so that our own write is not taken for
 * somebody else's.
 */
export class RetryingStore extends WrappedStore {
  readonly #options: RetryOptions;

  constructor(below: ObjectStore, options: RetryOptions) {
    super(below);
    this.#options = options;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#retry('head', () => super.head(key, signal), signal);
  }

  override get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#retry('get', () => super.get(key, range, signal), signal);
  }

  override delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#retry('delete', () => super.delete(key, signal), signal);
  }

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    if (!options.ifAbsent) return super.put(key, body, options);
    if (body instanceof Readable && options.digest !== undefined && options.sizeBytes !== undefined)
      return this.#putOnce(key, body, options, options.digest);
    const spooled = await spool(body, options);
    try {
      const known = { ...options, sizeBytes: spooled.sizeBytes, digest: spooled.digest };
      return await this.#putAgain(key, () => spooled.read(), known);
    } finally {
      await spooled.dispose();
    }
  }

  /** What goes straight through is gone after one try; but whether that try has stored can be asked. */
  #putOnce(key: ObjectKey, body: Readable, options: PutOptions, digest: Digest): Promise<PutOutcome> {
    return this.#resolved(key, digest, options.signal, () => super.put(key, body, options));
  }

  async #putAgain(
    key: ObjectKey,
    read: () => Readable | Uint8Array,
    options: PutOptions & { readonly digest: Digest },
  ): Promise<PutOutcome> {
    const { digest, signal } = options;
    let tries = 0;
    const put = (): Promise<PutOutcome> => {
      tries++;
      return super.put(key, read(), options);
    };
    const outcome = await this.#resolved(key, digest, signal, () => this.#retry('put', put, signal));
    if (outcome === 'stored' || tries === 1) return outcome;
    const there = await this.head(key, signal);
    return there?.digest === digest ? 'stored' : 'exists';
  }

  /** A write that failed may have been done all the same: what is there tells. */
  async #resolved(
    key: ObjectKey,
    digest: Digest,
    signal: AbortSignal | undefined,
    write: () => Promise<PutOutcome>,
  ): Promise<PutOutcome> {
    try {
      return await write();
    } catch (error) {
      const there = isTransient(error) ? await this.head(key, signal).catch(() => undefined) : undefined;
      if (!there) throw error;
      return there.digest === digest ? 'stored' : 'exists';
    }
  }

  async #retry<T>(operation: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { attempts, deadlineMs, clock, onRetry } = this.#options;
    const startedAt = clock.elapsed();
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const late = clock.elapsed() - startedAt >= deadlineMs;
        if (!isTransient(error) || attempt >= attempts || late || signal?.aborted) throw error;
      }
      onRetry?.(operation);
      await this.#pause(attempt, signal);
    }
  }

  #pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const { pauseMs, clock, random = Math.random } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    const cancel = clock.after(random() * pauseMs * 2 ** (attempt - 1), end);
    signal?.addEventListener('abort', end, { once: true });
    return promise.finally(() => {
      cancel();
      signal?.removeEventListener('abort', end);
    });
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof VelocityError && error.code === 'STORAGE_UNAVAILABLE';
}
