import type { Clock } from '../../../base/clock.ts';
import type { PolicyHook } from './policy.ts';

/** Failures of one hook in a row. */
const FAILURES = 5;
/** How long the policy is left alone then. */
const REST_MS = 10_000;

/**
 * Leaves a broken policy alone: each failure may cost its whole deadline, in which nobody else is answered. All of the
 * policy, for half of one may do what the whole would not. Hooks are counted apart, or one that is well would hide
 * another that never is.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #failures = new Map<PolicyHook, number>();
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#clock.elapsed() < this.#restsUntil;
  }

  well(hook: PolicyHook): void {
    if (this.#failures.size > 0) this.#failures.delete(hook);
  }

  /** Whether the policy is left alone from now on. One that was before has a single try. */
  unwell(hook: PolicyHook): boolean {
    const failures = (this.#failures.get(hook) ?? 0) + 1;
    this.#failures.set(hook, failures);
    if (failures < FAILURES) return false;
    this.#restsUntil = this.#clock.elapsed() + REST_MS;
    return true;
  }
}
