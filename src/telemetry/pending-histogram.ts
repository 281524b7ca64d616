import { Histogram, type HistogramConfiguration } from '@prometheus-io/client';

/** What the library keeps for each combination of labels; not of its published types, so a test holds it. */
interface Entry {
  sum: number;
  count: number;
  readonly bucketValues: Record<number, number>;
}

interface Pending {
  readonly labels: Readonly<Record<string, string>>;
  sum: number;
  count: number;
  /** By bound, and what is beyond the last one. */
  readonly buckets: Float64Array;
}

/** A histogram for what happens some ten thousand times a second: see `PendingCounter`. Its user holds a handle for each combination of labels. */
export class PendingHistogram {
  readonly histogram: Histogram<string>;
  readonly #bounds: readonly number[];
  readonly #pending: Pending[] = [];

  constructor(config: HistogramConfiguration<string> & { readonly buckets: readonly number[] }) {
    this.#bounds = config.buckets;
    this.histogram = new Histogram<string>({
      ...config,
      buckets: [...config.buckets],
      collect: () => this.#flush(),
    });
  }

  /** To observe values of these labels with; made once for each. */
  of(labels: Readonly<Record<string, string>>): (value: number) => void {
    const pending: Pending = { labels, sum: 0, count: 0, buckets: new Float64Array(this.#bounds.length + 1) };
    this.#pending.push(pending);
    const bounds = this.#bounds;
    return (value) => {
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
      pending.buckets[at] = (pending.buckets[at] ?? 0) + 1;
      pending.sum += value;
      pending.count++;
    };
  }

  #flush(): void {
    for (const pending of this.#pending) {
      if (pending.count === 0) continue;
      const entry = this.#entryOf(pending.labels);
      entry.sum += pending.sum;
      entry.count += pending.count;
      for (const [at, bound] of this.#bounds.entries())
        entry.bucketValues[bound] = (entry.bucketValues[bound] ?? 0) + (pending.buckets[at] ?? 0);
      pending.buckets.fill(0);
      pending.sum = 0;
      pending.count = 0;
    }
  }

  #entryOf(labels: Readonly<Record<string, string>>): Entry {
    const { store } = this.histogram as unknown as { store: { entry(labels: object): Entry | undefined } };
    if (!store.entry(labels)) this.histogram.zero(labels);
    const entry = store.entry(labels);
    if (!entry) throw new Error('unreachable: what was set to zero is there');
    return entry;
  }
}
