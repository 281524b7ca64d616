import { Counter, type CounterConfiguration } from '@prometheus-io/client';

interface Pending {
  readonly labels: Readonly<Record<string, string>>;
  count: number;
}

/**
 * A counter for what happens some ten thousand times a second: counted in plain numbers, which the registry's counter gets
 * when it is read. `Value` is what its only label may be, where it has one.
 */
export class PendingCounter<Value extends string = string> {
  readonly counter: Counter<string>;
  readonly #label: string | undefined;
  readonly #pending: Pending[] = [];
  readonly #byValue = new Map<Value, (by?: number) => void>();

  constructor(config: CounterConfiguration<string>) {
    this.#label = config.labelNames?.[0];
    this.counter = new Counter<string>({ ...config, collect: () => this.#flush() });
  }

  /** To count with these labels; made once for each combination. */
  of(labels: Readonly<Record<string, string>>): (by?: number) => void {
    const pending: Pending = { labels, count: 0 };
    this.#pending.push(pending);
    return (by = 1) => {
      pending.count += by;
    };
  }

  inc(value: Value, by = 1): void {
    const known = this.#byValue.get(value);
    const count = known ?? this.of(this.#label === undefined ? {} : { [this.#label]: value });
    if (!known) this.#byValue.set(value, count);
    count(by);
  }

  #flush(): void {
    for (const pending of this.#pending) {
      if (pending.count > 0) this.counter.inc(pending.labels, pending.count);
      pending.count = 0;
    }
  }
}
