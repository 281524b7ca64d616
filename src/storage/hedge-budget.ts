/** One request in so many may be sent twice: 5 %. */
const CALLS_PER_HEDGE = 20;
/** What was saved while nothing was slow, at most. */
const BURST = 5;

/**
 * How many calls may be hedged. A backend that is slow for everything would be asked twice for everything, and be
 * slower for it. In any number of calls in a row there are no more than a twentieth of them and `BURST`.
 */
export class HedgeBudget {
  /** In calls, so that it stays whole; nothing at first. */
  #saved = 0;

  /** A call was made. */
  earn(): void {
    this.#saved = Math.min(this.#saved + 1, BURST * CALLS_PER_HEDGE);
  }

  /** @returns whether there is a hedge left; it is spent then */
  spend(): boolean {
    if (this.#saved < CALLS_PER_HEDGE) return false;
    this.#saved -= CALLS_PER_HEDGE;
    return true;
  }
}
