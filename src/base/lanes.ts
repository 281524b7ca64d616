/** At most so many at once; of those that wait the lightest goes first. */
export class Lanes {
  readonly #width: number;
  readonly #waiting: { readonly weight: number; readonly begin: () => void }[] = [];
  readonly #all = new Set<Promise<unknown>>();
  #running = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Work that is not done yet, waiting or under way. */
  get size(): number {
    return this.#all.size;
  }

  /** @param weight what counts while it waits: bytes, say */
  run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const begun = Promise.withResolvers<void>();
    this.#waiting.push({ weight, begin: begun.resolve });
    const done = begun.promise.then(work).finally(() => {
      this.#running--;
      this.#all.delete(done);
      this.#proceed();
    });
    this.#all.add(done);
    this.#proceed();
    return done;
  }

  /** Resolves when nothing is left, however it ended. */
  async idle(): Promise<void> {
    while (this.#all.size > 0) await Promise.allSettled(this.#all);
  }

  #proceed(): void {
    while (this.#running < this.#width && this.#waiting.length > 0) {
      const lightest = this.#waiting.reduce((best, each) => (each.weight < best.weight ? each : best));
      this.#waiting.splice(this.#waiting.indexOf(lightest), 1);
      this.#running++;
      lightest.begin();
    }
  }
}
