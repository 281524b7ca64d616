/** The latest so many are known; how a backend answered long ago says nothing of now. */
const KEPT = 512;
/** With fewer, one slow answer would be taken for the rule. */
const ENOUGH = 50;

/** How long the latest requests took, in milliseconds. */
export class LatencyWindow {
  /** In the order they came, written round and round. */
  readonly #ring: number[] = [];
  readonly #sorted: number[] = [];
  #next = 0;

  add(ms: number): void {
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) this.#sorted.splice(this.#placeOf(oldest), 1);
    this.#sorted.splice(this.#placeOf(ms), 0, ms);
    this.#ring[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** What this share of them, from 0 to 1, did not exceed; `undefined` until there are enough to tell. */
  quantile(share: number): number | undefined {
    const count = this.#sorted.length;
    if (count < ENOUGH) return undefined;
    return this.#sorted[Math.max(0, Math.ceil(share * count) - 1)];
  }

  /** Of the first that is not less. */
  #placeOf(ms: number): number {
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#sorted[middle] ?? 0) < ms) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
