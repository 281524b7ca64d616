import type { Eviction } from './eviction.ts';
import { KeyQueue, QueuedKey } from './key-queue.ts';

/** Keys in one queue, of which the oldest goes first. What a use makes of a key's place is for each algorithm to say. */
export abstract class OneQueue implements Eviction {
  readonly #keys = new Map<string, QueuedKey>();
  readonly #queue = new KeyQueue();

  abstract touch(key: string): void;

  admit(key: string): void {
    if (this.#keys.has(key)) return;
    const queued = new QueuedKey(key);
    this.#keys.set(key, queued);
    this.#queue.push(queued);
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

  /** As if it had come just now. */
  protected renew(key: string): void {
    const queued = this.#keys.get(key);
    if (queued !== undefined) this.#queue.push(queued);
  }
}
