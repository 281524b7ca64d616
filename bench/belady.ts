import type { Trace } from './traces.ts';

/**
 * Hits of the best possible eviction, which knows what is to come: the key that is needed again last goes (Belady,
 * "A study of replacement algorithms for a virtual-storage computer", 1966). Like the others it keeps what it misses.
 */
export function beladyHits(trace: Trace, capacity: number): number {
  const nextUses = nextUsesIn(trace);
  const resident = new Map<number, number>();
  const byNextUse = new LatestFirst();
  let hits = 0;
  for (const [at, key] of trace.entries()) {
    if (resident.has(key)) hits++;
    else if (resident.size === capacity) {
      // A key has an entry for each of its uses; those of uses that are past are passed over.
      let latest = byNextUse.pop();
      while (resident.get(latest.key) !== latest.nextUse) latest = byNextUse.pop();
      resident.delete(latest.key);
    }
    const nextUse = nextUses[at] ?? 0;
    resident.set(key, nextUse);
    byNextUse.push({ nextUse, key });
  }
  return hits;
}

/** For each request, when its key is asked for next. Never is a time of its own for each, to tell entries apart. */
function nextUsesIn(trace: Trace): Float64Array {
  const nextUses = new Float64Array(trace.length);
  const seen = new Map<number, number>();
  for (let at = trace.length - 1; at >= 0; at--) {
    const key = trace[at] ?? 0;
    nextUses[at] = seen.get(key) ?? trace.length + at;
    seen.set(key, at);
  }
  return nextUses;
}

interface Use {
  readonly nextUse: number;
  readonly key: number;
}

/** A binary heap. */
class LatestFirst {
  readonly #uses: Use[] = [];

  push(use: Use): void {
    let at = this.#uses.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = this.#at(parent);
      if (above.nextUse >= use.nextUse) break;
      this.#uses[at] = above;
      at = parent;
    }
    this.#uses[at] = use;
  }

  pop(): Use {
    const first = this.#at(0);
    const last = this.#uses.pop() ?? first;
    const { length } = this.#uses;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#at(child + 1).nextUse > this.#at(child).nextUse) child++;
      if (this.#at(child).nextUse <= last.nextUse) break;
      this.#uses[at] = this.#at(child);
      at = child;
    }
    this.#uses[at] = last;
    return first;
  }

  #at(index: number): Use {
    const use = this.#uses[index];
    if (use === undefined) throw new Error('unreachable: the heap is empty');
    return use;
  }
}
