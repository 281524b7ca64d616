import type { Eviction } from './eviction.ts';

/** Least recently used goes first. A scan of keys that are used once pushes all others out. */
export class Lru implements Eviction {
  /** In the order of use; a `Set` keeps the order in which its keys came. */
  readonly #keys = new Set<string>();

  admit(key: string): void {
    this.#keys.add(key);
  }

  touch(key: string): void {
    if (this.#keys.delete(key)) this.#keys.add(key);
  }

  forget(key: string): void {
    this.#keys.delete(key);
  }

  evict(): string | undefined {
    const { value } = this.#keys.values().next();
    if (value !== undefined) this.#keys.delete(value);
    return value;
  }
}
