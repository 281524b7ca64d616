/** Work on one name is done one after the other, in the order it came; on different names at once. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Begins at once where nothing else is under way. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const done = before === undefined ? work() : before.then(work);
    const settled: Promise<void> = done.then(
      () => this.#forget(name, settled),
      () => this.#forget(name, settled),
    );
    this.#last.set(name, settled);
    return done;
  }

  /** When what is under way and waiting now is done; `undefined`: nothing is. */
  pending(name: string): Promise<void> | undefined {
    return this.#last.get(name);
  }

  /** When nothing is left. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }

  #forget(name: string, settled: Promise<void>): void {
    if (this.#last.get(name) === settled) this.#last.delete(name);
  }
}
