import type { Clock } from '../base/clock.ts';

const SECONDS = 60;

/** How many bytes passed in the last seconds, second by second; costs the same however much passes. */
export class Throughput {
  readonly #clock: Clock;
  readonly #bytes = new Float64Array(SECONDS);
  /** The second that was written last. */
  #second: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#second = this.#now();
  }

  add(bytes: number): void {
    this.#turn();
    const at = this.#second % SECONDS;
    this.#bytes[at] = (this.#bytes[at] ?? 0) + bytes;
  }

  /** On average over the last whole seconds, in bytes per second. @param seconds less than 60 */
  perSecond(seconds: number): number {
    this.#turn();
    let sum = 0;
    for (let back = 1; back <= seconds; back++)
      sum += this.#bytes[(this.#second - back + SECONDS) % SECONDS] ?? 0;
    return sum / seconds;
  }

  /** Empties the seconds in which nothing passed. */
  #turn(): void {
    const now = this.#now();
    const from = Math.max(this.#second + 1, now - SECONDS + 1);
    for (let second = from; second <= now; second++) this.#bytes[second % SECONDS] = 0;
    this.#second = now;
  }

  /** Far from zero, so that no second before it is negative. */
  #now(): number {
    return SECONDS + Math.floor(this.#clock.elapsed() / 1000);
  }
}
