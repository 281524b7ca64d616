import type { Clock } from '../base/clock.ts';

/** So many a second at most; what comes after is refused until the next second. */
export class PerSecond {
  readonly #most: number;
  readonly #clock: Clock;
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  take(): boolean {
    const now = this.#clock.elapsed();
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#taken = 0;
    }
    if (this.#taken >= this.#most) return false;
    this.#taken++;
    return true;
  }
}
