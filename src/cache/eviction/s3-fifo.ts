import type { Eviction } from './eviction.ts';
import { KeyQueue, QueuedKey } from './key-queue.ts';

/** Uses are counted in two bits, as in the paper. */
const MOST_USES = 3;
/** The small queue has a tenth of all keys, the part the authors found best, the main queue nine times as many. */
const MAIN_TO_SMALL = 9;
/**
 * Where all keys are hot, a call would pass over them all until one has no uses left. After so many, some tens of
 * microseconds, the next one goes as it is. Fewer lose hits where keys are asked for in a loop.
 */
const MOST_PASSED_OVER = 1000;

/**
 * S3-FIFO: Yang, Zhang, Qiu, Yue, Vinayak, "FIFO queues are all you need for cache eviction", SOSP 2023,
 * https://doi.org/10.1145/3600006.3613147.
 *
 * A new key waits in a small queue. If it is used twice there, it moves to the main one, else it goes, and stays
 * behind as a ghost: a key without anything that belongs to it. A ghost that comes back starts in the main queue.
 * So keys that are used once go early, and a scan does not push out what is used again and again.
 *
 * The paper gives queues their part of a capacity; here it is a part of the keys that are there. There are never
 * more ghosts than those.
 */
export class S3Fifo implements Eviction {
  /** Ghosts, too. */
  readonly #keys = new Map<string, QueuedKey>();
  readonly #small = new KeyQueue();
  readonly #main = new KeyQueue();
  readonly #ghosts = new KeyQueue();

  admit(key: string): void {
    const known = this.#keys.get(key);
    if (known === undefined) {
      const queued = new QueuedKey(key);
      this.#keys.set(key, queued);
      this.#small.push(queued);
    } else if (known.queue === this.#ghosts) {
      known.uses = 0;
      this.#main.push(known);
    }
  }

  /** Moves nothing: this is what makes hits cheap. */
  touch(key: string): void {
    const queued = this.#keys.get(key);
    if (queued !== undefined && queued.uses < MOST_USES) queued.uses++;
  }

  forget(key: string): void {
    const queued = this.#keys.get(key);
    if (queued !== undefined) this.#remove(queued);
    this.#trimGhosts();
  }

  evict(): string | undefined {
    for (let passedOver = 0; ; passedOver++) {
      const queue = this.#small.size * MAIN_TO_SMALL >= this.#main.size ? this.#small : this.#main;
      const { oldest } = queue;
      if (oldest === undefined) return undefined;
      if (passedOver < MOST_PASSED_OVER && this.#passOver(oldest)) continue;

      if (queue === this.#small) this.#ghosts.push(oldest);
      else this.#remove(oldest);
      this.#trimGhosts();
      return oldest.key;
    }
  }

  /** To the end of the main queue, if it was used enough to stay. */
  #passOver(oldest: QueuedKey): boolean {
    if (oldest.queue === this.#small) {
      if (oldest.uses <= 1) return false;
      oldest.uses = 0;
    } else {
      if (oldest.uses === 0) return false;
      oldest.uses--;
    }
    this.#main.push(oldest);
    return true;
  }

  #remove(queued: QueuedKey): void {
    queued.queue?.remove(queued);
    this.#keys.delete(queued.key);
  }

  #trimGhosts(): void {
    while (this.#ghosts.size > this.#small.size + this.#main.size) {
      const { oldest } = this.#ghosts;
      if (oldest === undefined) return;
      this.#remove(oldest);
    }
  }
}
