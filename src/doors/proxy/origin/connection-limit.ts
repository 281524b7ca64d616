/** Who has connections within a limit. */
export interface ConnectionHolder {
  /** Closes one that nobody uses, if there is one. */
  closeIdle(): boolean;
}

/** @returns whether the slot is still wanted */
type OnAcquired = () => boolean;

/** How many connections there may be to one origin, whoever opens them: a slot each. Who came first is the first to get one. */
export class ConnectionLimit {
  readonly #slots: number;
  readonly #holders: ConnectionHolder[] = [];
  readonly #waiting = new Set<OnAcquired>();
  #taken = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Whether somebody waits for a slot: then whoever has one that nobody uses should release it. */
  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  join(holder: ConnectionHolder): void {
    this.#holders.push(holder);
  }

  /**
   * Takes a slot, now or when there is one; it must be released.
   * @returns ends the waiting
   */
  acquire(onAcquired: OnAcquired): () => void {
    if (this.#taken < this.#slots) {
      this.#taken += 1;
      if (!onAcquired()) this.release();
      return () => {};
    }
    this.#waiting.add(onAcquired);
    this.#holders.some((holder) => holder.closeIdle());
    return () => void this.#waiting.delete(onAcquired);
  }

  /** Whether it is the turn of who waits with this. */
  isNext(onAcquired: OnAcquired): boolean {
    const [next] = this.#waiting;
    return next === onAcquired;
  }

  release(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      if (next()) return;
    }
    this.#taken -= 1;
  }
}
