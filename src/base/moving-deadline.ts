import type { Clock } from './clock.ts';

/**
 * A deadline that is moved often and hardly ever missed: its timer is left as it is and looks, when it fires, whether it is
 * time. Timers that are set anew with each message cost as much as a good part of what they watch over.
 */
export class MovingDeadline {
  readonly #clock: Clock;
  readonly #onMissed: () => void;
  #dueAt = Number.POSITIVE_INFINITY;
  #firesAt = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onMissed: () => void) {
    this.#clock = clock;
    this.#onMissed = onMissed;
  }

  /** It is missed in so many milliseconds, whatever it was before. */
  moveTo(ms: number): void {
    this.#dueAt = this.#clock.elapsed() + ms;
    if (this.#dueAt < this.#firesAt) this.#arm(ms);
  }

  /** There is none until it is moved again. */
  lift(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  /** Likewise, and nothing of it is left. */
  stop(): void {
    this.lift();
    this.#cancel?.();
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(ms: number): void {
    this.#cancel?.();
    this.#firesAt = this.#dueAt;
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (this.#dueAt === Number.POSITIVE_INFINITY) return;
    const leftMs = this.#dueAt - this.#clock.elapsed();
    if (leftMs > 0) {
      this.#arm(leftMs);
      return;
    }
    this.lift();
    this.#onMissed();
  }
}
