interface Run<T> {
  readonly done: Promise<T>;
  readonly abort: AbortController;
  askers: number;
}

/** One run a key for all who ask while it is under way, which ends early when nobody waits for it any longer. */
export class SharedRuns<T> {
  /** Those that may be joined. */
  readonly #runs = new Map<string, Run<T>>();
  /** Those and the ones that are ending. */
  readonly #underWay = new Set<Promise<unknown>>();

  /**
   * @param signal this asker's: aborted, the asker is told its reason and counts no longer
   * @param start begins the run; its signal is aborted when it is to end
   */
  async join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const run = this.#runs.get(key) ?? this.#start(key, start);
    run.askers++;
    const { promise: left, reject: leave } = Promise.withResolvers<never>();
    const onAbort = (): void => {
      run.askers--;
      // Who comes now begins anew: this run has no way back.
      if (run.askers === 0) this.#end(key, run, signal.reason);
      leave(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run.done, left]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends every run; its askers are told the reason, unless the run has another answer. */
  endAll(reason: unknown): void {
    for (const [key, run] of this.#runs) this.#end(key, run, reason);
  }

  /** Resolves when nothing is under way, however it ended. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Run<T> {
    const abort = new AbortController();
    const done = Promise.try(start, abort.signal);
    const run: Run<T> = { done, abort, askers: 0 };
    this.#runs.set(key, run);
    const over = done
      .catch(() => {}) // told to those who asked
      .then(() => {
        this.#forget(key, run);
        this.#underWay.delete(over);
      });
    this.#underWay.add(over);
    return run;
  }

  #end(key: string, run: Run<T>, reason: unknown): void {
    this.#forget(key, run);
    run.abort.abort(reason);
  }

  #forget(key: string, run: Run<T>): void {
    if (this.#runs.get(key) === run) this.#runs.delete(key);
  }
}
