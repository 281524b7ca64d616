import type { Eviction } from './eviction.ts';
import { KeyQueue, QueuedKey } from './key-queue.ts';

/** First in, first out. Asking for a key does not keep it, and costs next to nothing. */
export class Fifo implements Eviction {
  readonly #keys = new Map<string, QueuedKey>();
  readonly #queue = new KeyQueue();

  admit(key: string): void {
    if (this.#keys.has(key)) return;
    const queued = new QueuedKey(key);
    this.#keys.set(key, queued);
    this.#queue.push(queued);
  }

  touch(_key: string): void {}

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
