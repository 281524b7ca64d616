import type { Clock } from '../../base/clock.ts';
import type { Rate } from '../../base/rate.ts';

/** A bucket from which is taken and that fills by itself, as one number: the instant at which it is full again. */
interface Bucket {
  readonly rate: Rate;
  /** In `Clock.elapsed` milliseconds. */
  fullAt: number;
}

/** Some 100 bytes each; enough for every token and client there is, few enough for a flood of made-up addresses. */
const MAX_SUBJECTS = 50_000;
/** Of one: what a bucket must hold. Not all of it, for sums of many fractions must not cost the last one of a full bucket. */
const ENOUGH = 0.99;
/** Nobody pays longer than this for one request, however much was announced with it. */
export const LONGEST_DEBT_MS = 86_400_000;

/**
 * Token buckets, one a subject, as the generic cell rate algorithm keeps them (ITU-T I.371): a bucket holds
 * what its rate gives in one period, so that much may come at once, and fills evenly.
 *
 * What a request costs is often known only afterwards. So it may pass while the bucket holds one, and may leave it
 * in debt; the next one waits until that is paid.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #maxSubjects: number;
  /** In the order in which they were last charged. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, maxSubjects = MAX_SUBJECTS) {
    this.#clock = clock;
    this.#maxSubjects = maxSubjects;
  }

  /** Milliseconds until the subject's next request may pass; 0: now. Costs nothing. */
  waitMs(subject: string, rate: Rate): number {
    const bucket = this.#bucketOf(subject, rate);
    if (!bucket) return 0;
    const { amount, periodMs } = rate;
    const passesAt = bucket.fullAt - periodMs + (periodMs / amount) * ENOUGH;
    return Math.max(0, passesAt - this.#clock.elapsed());
  }

  /** Takes so much out of the subject's bucket, below nothing too. */
  charge(subject: string, rate: Rate, amount: number): void {
    if (amount === 0) return;
    const now = this.#clock.elapsed();
    const bucket = this.#bucketOf(subject, rate) ?? { rate, fullAt: now };
    const fullAt = Math.max(bucket.fullAt, now) + (amount * rate.periodMs) / rate.amount;
    bucket.fullAt = Math.min(fullAt, now + rate.periodMs + LONGEST_DEBT_MS);
    const isNew = !this.#buckets.delete(subject);
    this.#buckets.set(subject, bucket);
    if (isNew) this.#forget(now);
  }

  /** How many subjects are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whose rate was changed begins with a full bucket. */
  #bucketOf(subject: string, { amount, periodMs }: Rate): Bucket | undefined {
    const bucket = this.#buckets.get(subject);
    return bucket?.rate.amount === amount && bucket.rate.periodMs === periodMs ? bucket : undefined;
  }

  /**
   * A full bucket is like none. With each new subject two of the oldest are looked at, so those who left are forgotten
   * twice as fast as others come; beyond the bound the oldest goes, full or not.
   */
  #forget(now: number): void {
    let looks = 2;
    for (const [subject, { fullAt }] of this.#buckets) {
      if (fullAt > now && this.#buckets.size <= this.#maxSubjects) return;
      this.#buckets.delete(subject);
      if (--looks === 0) return;
    }
  }
}
