import type { Clock } from '../../base/clock.ts';
import type { Rate } from '../../base/rate.ts';

/** From which is taken and which fills by itself, as one number: the instant at which it is full again. */
interface Allowance {
  readonly rate: Rate;
  /** In `Clock.elapsed` milliseconds. */
  fullAt: number;
}

/** Some 100 bytes each; enough for every token and client there is, few enough for a flood of made-up addresses. */
const MAX_SUBJECTS = 50_000;
/** Of one: what must be left to pass. Not a whole one, for sums of many fractions must not cost the last one there is. */
const ENOUGH = 0.99;
/** Nobody pays longer than this for one request, however much was announced with it. */
export const LONGEST_DEBT_MS = 86_400_000;

/**
 * The token bucket, one a subject, as the generic cell rate algorithm keeps it (ITU-T I.371): a full allowance is what the
 * rate gives in one period, so that much may come at once, and it fills evenly.
 *
 * What a request costs is often known only afterwards. So it may pass while one is left, and may leave
 * a debt; the next one waits until that is paid.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #maxSubjects: number;
  /**
   * Who was charged lately, and who before that. Two generations, as a list in the order of use would be written with
   * every request: a Map keeps a hole for each entry that moves, and has to walk past them.
   */
  #recent = new Map<string, Allowance>();
  #older = new Map<string, Allowance>();

  constructor(clock: Clock, maxSubjects = MAX_SUBJECTS) {
    this.#clock = clock;
    this.#maxSubjects = maxSubjects;
  }

  /** Milliseconds until the subject's next request may pass; 0: now. Costs nothing. */
  waitMs(subject: string, rate: Rate): number {
    const allowance = this.#allowanceOf(subject, rate);
    if (!allowance) return 0;
    const { amount, periodMs } = rate;
    const passesAt = allowance.fullAt - periodMs + (periodMs / amount) * ENOUGH;
    return Math.max(0, passesAt - this.#clock.elapsed());
  }

  /** Takes so much of the subject's allowance, below nothing too. */
  charge(subject: string, rate: Rate, amount: number): void {
    if (amount === 0) return;
    const now = this.#clock.elapsed();
    const allowance = this.#allowanceOf(subject, rate) ?? { rate, fullAt: now };
    const fullAt = Math.max(allowance.fullAt, now) + (amount * rate.periodMs) / rate.amount;
    allowance.fullAt = Math.min(fullAt, now + rate.periodMs + LONGEST_DEBT_MS);
    if (this.#recent.get(subject) === allowance) return;
    this.#recent.set(subject, allowance);
    this.#older.delete(subject);
    if (this.#recent.size >= this.#maxSubjects / 2) this.#makeRoom(now);
  }

  /** How many subjects are remembered. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** Whose rate was changed begins with a full one. */
  #allowanceOf(subject: string, { amount, periodMs }: Rate): Allowance | undefined {
    const allowance = this.#recent.get(subject) ?? this.#older.get(subject);
    return allowance?.rate.amount === amount && allowance.rate.periodMs === periodMs ? allowance : undefined;
  }

  /** A full allowance is like none, so it is forgotten first; where that gains little, the older generation is. */
  #makeRoom(now: number): void {
    for (const [subject, { fullAt }] of this.#recent) if (fullAt <= now) this.#recent.delete(subject);
    if (this.#recent.size < this.#maxSubjects / 4) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
