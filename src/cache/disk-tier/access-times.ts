import type { Clock } from '../../base/clock.ts';
import { inParallel } from '../../base/in-parallel.ts';

export interface AccessTimesOptions {
  /** Between two batches, in milliseconds; 0: each use is written down at once. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Writes down what is known of the entry's use; does not throw. */
  readonly write: (name: string) => Promise<void>;
}

/** At once, so that uses of many entries do not push reads out of the thread pool. */
const WIDTH = 2;

/** Remembers which entries were used since their statistics were written down, and has that done in batches. */
export class AccessTimes {
  readonly #options: AccessTimesOptions;
  #used = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: AccessTimesOptions) {
    this.#options = options;
  }

  note(name: string): void {
    this.#used.add(name);
    const { intervalMs, clock } = this.#options;
    if (intervalMs === 0) this.flush();
    else this.#cancelTimer ??= clock.after(intervalMs, () => this.flush());
  }

  /** Resolves when all that was noted is written down. */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#flushing = this.#flushing.then(() => this.#writeBatch());
    return this.#flushing;
  }

  async #writeBatch(): Promise<void> {
    const batch = [...this.#used];
    this.#used = new Set();
    await inParallel(batch, WIDTH, this.#options.write);
  }
}
