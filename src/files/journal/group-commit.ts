/** Put into one write; more waits for the next. */
const MOST_DRAFTS = 4096;

interface Group<Draft, Entry> {
  readonly drafts: readonly Draft[];
  readonly done: PromiseWithResolvers<readonly Entry[]>;
}

/**
 * Many small appends as few writes: one at a time is under way, and what comes meanwhile goes into the next one together.
 * All of a write succeed or fail alike.
 */
export class GroupCommit<Draft, Entry> {
  readonly #commit: (drafts: readonly Draft[]) => Promise<readonly Entry[]>;
  #waiting: Group<Draft, Entry>[] = [];
  #isRunning = false;

  /** @param commit answers one entry for each draft, in their order; is never called before it has settled */
  constructor(commit: (drafts: readonly Draft[]) => Promise<readonly Entry[]>) {
    this.#commit = commit;
  }

  /** Of one write in any case. */
  add(drafts: readonly Draft[]): Promise<readonly Entry[]> {
    const done = Promise.withResolvers<readonly Entry[]>();
    this.#waiting.push({ drafts, done });
    if (!this.#isRunning) void this.#run();
    return done.promise;
  }

  /** When all that was added before is done with, however it ended. */
  async settled(): Promise<void> {
    if (this.#isRunning) await this.add([]).catch(() => {});
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const groups = this.#next();
      try {
        const entries = await this.#commit(groups.flatMap(({ drafts }) => drafts));
        let at = 0;
        for (const { drafts, done } of groups) {
          done.resolve(entries.slice(at, at + drafts.length));
          at += drafts.length;
        }
      } catch (error) {
        for (const { done } of groups) done.reject(error);
      }
    }
    this.#isRunning = false;
  }

  #next(): readonly Group<Draft, Entry>[] {
    let drafts = 0;
    const end = this.#waiting.findIndex((group, at) => {
      drafts += group.drafts.length;
      return at > 0 && drafts > MOST_DRAFTS;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }
}
