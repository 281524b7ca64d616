/** A key with its place in one queue, or in none. Costs about a hundred bytes, beside the key's own text. */
export class QueuedKey {
  readonly key: string;
  /** What an algorithm that counts makes of the key's uses. */
  uses = 0;
  /** Written by `KeyQueue` alone, as are the neighbours: itself where it has none. */
  queue: KeyQueue | undefined;
  older: QueuedKey = this;
  newer: QueuedKey = this;

  constructor(key: string) {
    this.key = key;
  }
}

/**
 * Keys in the order in which they came, and any of them leaves at the same cost. A `Set` keeps the order, too, but
 * its first key is found by passing over the room of all that have left: at 100 000 keys tens of microseconds.
 */
export class KeyQueue {
  /** Closes the ring, so that no key lacks a neighbour: after it comes the oldest, before it the newest. */
  readonly #end = new QueuedKey('');
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): QueuedKey | undefined {
    return this.#size === 0 ? undefined : this.#end.newer;
  }

  /** Puts a key last, and takes it out of the queue it is in. */
  push(queued: QueuedKey): void {
    queued.queue?.remove(queued);
    const end = this.#end;
    queued.queue = this;
    queued.older = end.older;
    queued.newer = end;
    end.older.newer = queued;
    end.older = queued;
    this.#size++;
  }

  /** Of a key that is in this queue. */
  remove(queued: QueuedKey): void {
    queued.older.newer = queued.newer;
    queued.newer.older = queued.older;
    // What has left holds on to nothing: the garbage collector would keep its neighbours alive for longer.
    queued.older = queued;
    queued.newer = queued;
    queued.queue = undefined;
    this.#size--;
  }
}
