import { Counter, type CounterConfiguration } from '@prometheus-io/client';

/**
 * A counter with one label for what happens some ten thousand times a second: counted in plain numbers, which the
 * registry's counter gets when it is read.
 */
export class PendingCounter<Value extends string> {
  readonly counter: Counter<string>;
  readonly #label: string;
  readonly #pending = new Map<Value, { count: number }>();

  constructor({ labelNames, ...config }: CounterConfiguration<string> & { readonly labelNames: [string] }) {
    [this.#label] = labelNames;
    this.counter = new Counter<string>({ ...config, labelNames, collect: () => this.#flush() });
  }

  inc(value: Value, by = 1): void {
    const pending = this.#pending.get(value);
    if (pending) pending.count += by;
    else this.#pending.set(value, { count: by });
  }

  #flush(): void {
    for (const [value, pending] of this.#pending) {
      if (pending.count > 0) this.counter.inc({ [this.#label]: value }, pending.count);
      pending.count = 0;
    }
  }
}
