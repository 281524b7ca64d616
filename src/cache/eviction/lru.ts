import type { Eviction } from './eviction.ts';
import { KeyQueue, QueuedKey } from './key-queue.ts';

/** Least recently used goes first. A scan of keys that are used once pushes all others out. */
export class Lru implements Eviction {
  readonly #keys = new Map<string, QueuedKey>();
  /** In the order of their last use. */
  readonly #queue = new KeyQueue();

  admit(key: string): void {
    if (this.#keys.has(key)) return;
    const queued = new QueuedKey(key);
    this.#keys.set(key, queued);
    this.#queue.push(queued);
  }

  touch(key: string): void {
    const queued = this.#keys.get(key);
    if (queued !== undefined) this.#queue.push(queued);
  }

  forget(key: string): void {
    const queued = this.#keys.get(key);
    if (queued === undefined) return;
    this.#queue.remove(queued);
    this.#keys.delete(key);
  }

  evict(): string | undefined {
    const key = this.#queue.oldest?.key;
    if (key !== undefined) this.forget(key);
    return key;
  }
}
