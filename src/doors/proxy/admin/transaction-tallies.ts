import { type HistogramReply, STATUS_CLASSES, type StatsReply } from '../../../wire/proxy-admin.ts';
import { OUTCOME_SERIES, OUTCOMES, type Outcome, type Transaction } from '../../../wire/transaction.ts';
import { LATENCY_BOUNDS, latencyBucket } from './latency-buckets.ts';

type Counts = Pick<StatsReply, 'requests' | 'outcomes' | 'statuses' | 'sentBytes'>;

interface OfOutcome {
  count: number;
  /** By bucket; shared by all outcomes of a series. */
  readonly times: Float64Array | undefined;
}

const ABORTED = STATUS_CLASSES.indexOf('aborted');

/** What was counted of all transactions since the proxy began; costs the same however many there were. */
export class TransactionTallies {
  readonly #times = {
    hits: new Float64Array(LATENCY_BOUNDS.length),
    misses: new Float64Array(LATENCY_BOUNDS.length),
  };
  readonly #outcomes = new Map<Outcome, OfOutcome>(
    OUTCOMES.map((outcome) => {
      const series = OUTCOME_SERIES[outcome];
      return [outcome, { count: 0, times: series && this.#times[series] }];
    }),
  );
  readonly #statuses = new Float64Array(STATUS_CLASSES.length);
  #sentBytes = 0;

  add({ outcome, status, sentBytes, totalMs }: Transaction): void {
    this.#sentBytes += sentBytes;
    const at = status === 'aborted' ? ABORTED : Math.min(Math.floor(status / 100), ABORTED) - 1;
    this.#statuses[at] = (this.#statuses[at] ?? 0) + 1;
    const tally = this.#outcomes.get(outcome);
    if (tally === undefined) return;
    tally.count++;
    if (tally.times === undefined) return;
    const bucket = latencyBucket(totalMs);
    tally.times[bucket] = (tally.times[bucket] ?? 0) + 1;
  }

  get counts(): Counts {
    const outcomes = [...this.#outcomes].map(([outcome, { count }]) => [outcome, count] as const);
    return {
      requests: outcomes.reduce((sum, [, count]) => sum + count, 0),
      outcomes: Object.fromEntries(outcomes) as Counts['outcomes'],
      statuses: Object.fromEntries(
        STATUS_CLASSES.map((name, at) => [name, this.#statuses[at] ?? 0]),
      ) as Counts['statuses'],
      sentBytes: this.#sentBytes,
    };
  }

  get histogram(): HistogramReply {
    return { bounds: LATENCY_BOUNDS, hits: [...this.#times.hits], misses: [...this.#times.misses] };
  }
}
