import type { Clock } from '../base/clock.ts';

/** A start under load has better things to do first. */
const FIRST_AFTER_MS = 60_000;
const EVERY_MS = 3600_000;

/** Work that is done soon after the start, then every hour. */
export class Hourly {
  readonly #clock: Clock;
  readonly #work: (stopped: AbortSignal) => Promise<unknown>;
  readonly #stopped = new AbortController();
  #cancel: () => void = () => {};
  #running: Promise<unknown> | undefined;

  /** @param work does not throw; it ends early when the signal is aborted */
  constructor(clock: Clock, work: (stopped: AbortSignal) => Promise<unknown>) {
    this.#clock = clock;
    this.#work = work;
  }

  start(): void {
    this.#after(FIRST_AFTER_MS);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancel();
    await this.#running;
  }

  /** Aborted by `stop`. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  #after(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      this.#running = this.#work(this.stopped).finally(() => {
        if (!this.stopped.aborted) this.#after(EVERY_MS);
      });
    });
  }
}
