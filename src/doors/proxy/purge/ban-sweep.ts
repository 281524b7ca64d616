import type { BanCursor, BanList } from './ban-list.ts';
import type { StoredSubject } from './stored-subject.ts';

/** A stored response as the sweep goes over it. */
export interface Bannable {
  readonly subject: StoredSubject;
  checkedUpTo: BanCursor;
}

export interface SweptStore<B extends Bannable> {
  /** All that is stored. May be changed while it is gone over; what comes meanwhile may be left out. */
  stored(): Iterable<B>;
  remove(banned: B): void;
}

interface Pass<B> {
  readonly left: Iterator<B>;
  readonly upTo: BanCursor;
}

/**
 * Tests all that is stored against the bans, also what nobody looks up, and then drops them: what is banned gives its
 * room back, and the list of bans stays short. The store drives it, a step at a time, so that nobody waits for it.
 */
export class BanSweep<B extends Bannable> {
  readonly #bans: BanList;
  readonly #store: SweptStore<B>;
  #pass: Pass<B> | undefined;

  constructor(bans: BanList, store: SweptStore<B>) {
    this.#bans = bans;
    this.#store = store;
  }

  /**
   * @param tests how many it makes at most, but that one response is always tested against all bans
   * @returns whether there is nothing more to do for now: no bans, or a pass over all that is stored has ended
   */
  step(tests: number): boolean {
    if (this.#bans.size === 0 && !this.#pass) return true;
    this.#pass ??= { left: this.#store.stored()[Symbol.iterator](), upTo: this.#bans.newest };
    let left = tests;
    do {
      const next = this.#pass.left.next();
      if (next.done) {
        this.#bans.dropUpTo(this.#pass.upTo);
        this.#pass = undefined;
        return true;
      }
      left -= Math.max(1, this.#bans.untested(next.value.checkedUpTo));
      this.#test(next.value);
    } while (left > 0);
    return false;
  }

  #test(stored: B): void {
    if (this.#bans.isBanned(stored.subject, stored.checkedUpTo)) this.#store.remove(stored);
    else stored.checkedUpTo = this.#bans.newest;
  }
}
