import type { Clock } from '../../../base/clock.ts';

/** Calls back when a wait took too long. It waits only between `start` and `stop`; `start` begins anew. */
export class Deadline {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onMissed: () => void;
  #cancel = (): void => {};

  constructor(clock: Clock, ms: number, onMissed: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onMissed = onMissed;
  }

  start(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#ms, this.#onMissed);
  }

  stop(): void {
    this.#cancel();
  }
}
