import type { Readable } from 'node:stream';
import type { ObjectKey } from './object-key.ts';
import type { ObjectStore, PutOptions, PutOutcome } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/**
 * Tells of each key whose object is taken away or replaced through it, before that is done and after; and of each first
 * write, after it: what was there before was gone without a word.
 */
export class WatchedStore extends WrappedStore {
  readonly #onChange: (key: ObjectKey) => void;

  constructor(below: ObjectStore, onChange: (key: ObjectKey) => void) {
    super(below);
    this.#onChange = onChange;
  }

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    if (!options.ifAbsent) return this.#changing(key, () => super.put(key, body, options));
    const outcome = await super.put(key, body, options);
    if (outcome === 'stored') this.#onChange(key);
    return outcome;
  }

  override delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#changing(key, () => super.delete(key, signal));
  }

  async #changing<T>(key: ObjectKey, change: () => Promise<T>): Promise<T> {
    this.#onChange(key);
    try {
      return await change();
    } finally {
      this.#onChange(key);
    }
  }
}
