import type { Eviction } from './eviction.ts';
import { KeyQueue, QueuedKey } from './key-queue.ts';

/** More uses than these count no more: what is used that often stays anyway, and would only stay for longer after. */
const MOST_USES = 15;
const LEVELS = MOST_USES + 1;
/** The base rises by a level each time so many keys have gone for every key that is there. */
const TURNOVERS_A_LEVEL = 2;

/**
 * Least frequently used goes first, and of those the one that was used least recently.
 *
 * A key's level is its uses above a base that rises as keys go, so uses of long ago weigh less: what is not used
 * goes after about 30 turnovers of the cache at the latest. This is the dynamic ageing of LFU-DA (Arlitt,
 * Cherkasova, Dilley, Friedrich, Jin, "Evaluating content management techniques for Web proxy caches", 1999), but
 * slower: there the base is the level of the key that went last, and with many keys that are used once it runs away
 * from those that are used now and then.
 *
 * A queue for each level gives every call the same cost (Shah, Mitra, Matani, "An O(1) algorithm for implementing
 * the LFU cache eviction scheme", 2010). As uses are capped, a ring of them is enough.
 */
export class Lfu implements Eviction {
  readonly #keys = new Map<string, QueuedKey>();
  readonly #levels = Array.from({ length: LEVELS }, () => new KeyQueue());
  /** Where in the ring the base is. */
  #base = 0;
  #evictedSinceBaseRose = 0;

  admit(key: string): void {
    if (this.#keys.has(key)) return;
    const queued = new QueuedKey(key);
    this.#keys.set(key, queued);
    this.#use(queued);
  }

  touch(key: string): void {
    const queued = this.#keys.get(key);
    if (queued !== undefined) this.#use(queued);
  }

  forget(key: string): void {
    const queued = this.#keys.get(key);
    if (queued === undefined) return;
    queued.queue?.remove(queued);
    this.#keys.delete(key);
  }

  evict(): string | undefined {
    this.#age();
    for (let above = 0; above < LEVELS; above++) {
      const key = this.#level(above).oldest?.key;
      if (key === undefined) continue;
      this.forget(key);
      return key;
    }
    return undefined;
  }

  #age(): void {
    this.#evictedSinceBaseRose++;
    const due = this.#evictedSinceBaseRose > TURNOVERS_A_LEVEL * this.#keys.size;
    // What is left at the base goes first: its queue is the one that comes round as the highest level.
    if (!due || this.#level(0).size > 0) return;
    this.#base = (this.#base + 1) % LEVELS;
    this.#evictedSinceBaseRose = 0;
  }

  #use(queued: QueuedKey): void {
    queued.uses = Math.min(queued.uses + 1, MOST_USES);
    this.#level(queued.uses).push(queued);
  }

  #level(aboveBase: number): KeyQueue {
    const level = this.#levels[(this.#base + aboveBase) % LEVELS];
    if (level === undefined) throw new Error(`unreachable: level ${aboveBase}`);
    return level;
  }
}
