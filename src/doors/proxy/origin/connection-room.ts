/** Who has connections of a room. */
export interface RoomMember {
  /** Closes one that nobody uses, if there is one. */
  closeIdle(): boolean;
}

/** @returns whether the place is still wanted */
type OnEntered = () => boolean;

/** How many connections there may be to one origin, whoever opens them. Who came first is the first to get one. */
export class ConnectionRoom {
  readonly #places: number;
  readonly #members: RoomMember[] = [];
  readonly #waiting = new Set<OnEntered>();
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Whether somebody waits for a place: then whoever has one that nobody uses should leave it. */
  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  join(member: RoomMember): void {
    this.#members.push(member);
  }

  /**
   * Takes a place, now or when there is one; it must be left.
   * @returns ends the waiting
   */
  enter(onEntered: OnEntered): () => void {
    if (this.#taken < this.#places) {
      this.#taken += 1;
      if (!onEntered()) this.leave();
      return () => {};
    }
    this.#waiting.add(onEntered);
    this.#members.some((member) => member.closeIdle());
    return () => void this.#waiting.delete(onEntered);
  }

  /** Whether it is the turn of who waits with this. */
  isNext(onEntered: OnEntered): boolean {
    const [next] = this.#waiting;
    return next === onEntered;
  }

  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      if (next()) return;
    }
    this.#taken -= 1;
  }
}
