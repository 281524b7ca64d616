import type { Clock } from '../../base/clock.ts';

/** A gateway that was waited for in vain is left alone for so long, or a build of many tasks would wait for each. */
const LEFT_ALONE_MS = 10_000;
/** Failures in a row that were told at once, as a 503 is: dear to nobody, but a sign. */
const FAILURES = 5;

export interface OutageOptions {
  readonly clock: Clock;
  /** Told once, with the first failure, until an outage that followed is over. */
  readonly onBegin: (why: string) => void;
  readonly onEnd: () => void;
}

/** Whether the gateway may be asked. While it is away one request at a time tries, now and then. */
export class Outage {
  readonly #options: OutageOptions;
  /** In a row. */
  #failures = 0;
  #told = false;
  /** When it was last tried, where it is left alone. */
  #since: number | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Whoever is let through tells how it went. */
  mayAsk(): boolean {
    if (this.#since === undefined) return true;
    const now = this.#options.clock.elapsed();
    if (now - this.#since < LEFT_ALONE_MS) return false;
    this.#since = now; // this one tries, the others wait for what becomes of it
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    if (this.#since === undefined) return;
    this.#since = undefined;
    this.#told = false;
    this.#options.onEnd();
  }

  /** @param cost `time` where it was waited for: then it is not asked again at once */
  failed(why: string, cost: 'time' | 'nothing'): void {
    this.#failures++;
    if (cost === 'time' || this.#failures >= FAILURES) this.#since = this.#options.clock.elapsed();
    if (!this.#told) this.#options.onBegin(why);
    this.#told = true;
  }
}
