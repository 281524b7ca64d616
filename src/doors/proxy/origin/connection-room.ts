/** Who has connections of a room. */
export interface RoomMember {
  /** Closes one that nobody uses, if there is one. */
  closeIdle(): boolean;
}

/** How many connections there may be to one origin, whoever opens them. */
export class ConnectionRoom {
  readonly #places: number;
  readonly #members: RoomMember[] = [];
  readonly #waiting = new Set<() => void>();
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
  enter(onEntered: () => void): () => void {
    if (this.#taken < this.#places) {
      this.#taken += 1;
      onEntered();
      return () => {};
    }
    this.#waiting.add(onEntered);
    this.#members.some((member) => member.closeIdle());
    return () => void this.#waiting.delete(onEntered);
  }

  leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
