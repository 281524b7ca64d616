import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { BanExpression } from './ban-condition.ts';
import { formatBanExpression } from './ban-expression.ts';
import { type BanPredicate, banPredicate } from './ban-predicate.ts';
import type { StoredSubject } from './stored-subject.ts';

declare const banCursorBrand: unique symbol;

/** The newest ban that a stored response need not be tested against any more. Only a `BanList` makes them. */
export type BanCursor = number & { readonly [banCursorBrand]: true };

export interface BanFacts {
  /** As `formatBanExpression` writes it. */
  readonly expression: string;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
  /** Stored responses that it was found to be about so far. */
  readonly banned: number;
}

interface Ban {
  readonly expression: string;
  readonly cursor: BanCursor;
  readonly madeAt: number;
  readonly isAbout: BanPredicate;
  banned: number;
}

export interface BanListOptions {
  readonly clock: Clock;
  /** From more than so many on a sweep is due; twice as many are never held. */
  readonly maxBans?: number;
}

const DEFAULT_MAX_BANS = 1_000;

/**
 * Bans in the order in which they were made. A stored response is tested against them when it is looked up, and against
 * each once: it remembers up to which one it was. One that is new, or was validated, takes `newest` from when its
 * request *went* to the origin: what came back after a ban may have been made before it. Whoever asks once there is a
 * newer ban is not to wait for what is on its way either.
 *
 * A ban is dropped once all that is stored was tested against it (`BanSweep`). What turns up later and was not tested
 * against one that was dropped, a response that was long on its way, counts as banned.
 */
export class BanList {
  readonly #clock: Clock;
  readonly #maxBans: number;
  #bans: Ban[] = [];
  #newest = 0 as BanCursor;
  #dropped = 0 as BanCursor;
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor({ clock, maxBans = DEFAULT_MAX_BANS }: BanListOptions) {
    this.#clock = clock;
    this.#maxBans = maxBans;
  }

  /** What has this cursor has been tested against all bans. An answer that was kept ready holds as long as it stays. */
  get newest(): BanCursor {
    return this.#newest;
  }

  get size(): number {
    return this.#bans.length;
  }

  /** There are more than should be: the store should sweep, without waiting. */
  get isCrowded(): boolean {
    return this.#bans.length > this.#maxBans;
  }

  /** In the order in which they were made. */
  all(): readonly BanFacts[] {
    return this.#bans.map(factsOf);
  }

  /**
   * Takes the place of an equal one.
   * @throws VelocityError `BANS_EXHAUSTED`: nothing is banned
   */
  add(expression: BanExpression): BanFacts {
    const text = formatBanExpression(expression);
    const equal = isCoveredLater(expression) ? this.#bans.findIndex((ban) => ban.expression === text) : -1;
    const [earlier] = equal < 0 ? [] : this.#bans.splice(equal, 1);
    if (this.#bans.length >= 2 * this.#maxBans)
      throw new VelocityError(
        'BANS_EXHAUSTED',
        `${this.#bans.length} bans wait until all that is stored was tested against them. Nothing was banned: try again, or say more with one ban.`,
      );
    // A clock that is set back makes no ban older than those before it.
    this.#madeAt = Math.max(this.#madeAt, this.#clock.now());
    this.#newest = (this.#newest + 1) as BanCursor;
    const ban: Ban = {
      expression: text,
      cursor: this.#newest,
      madeAt: this.#madeAt,
      isAbout: banPredicate(expression),
      banned: earlier?.banned ?? 0,
    };
    this.#bans.push(ban);
    return factsOf(ban);
  }

  /**
   * Where it is not, its cursor is `newest` from now on; where it is, it must be removed. Without a new ban this costs
   * a comparison, else a test for each ban that it was not tested against.
   */
  isBanned(subject: StoredSubject, checkedUpTo: BanCursor): boolean {
    if (checkedUpTo === this.#newest) return false;
    if (checkedUpTo < this.#dropped) return true;
    for (let at = this.#bans.length - 1; at >= 0; at--) {
      const ban = this.#bans[at];
      if (ban === undefined || ban.cursor <= checkedUpTo) return false;
      if (!ban.isAbout(subject, ban.madeAt)) continue;
      ban.banned++;
      return true;
    }
    return false;
  }

  /** At most so many tests `isBanned` makes. */
  untested(checkedUpTo: BanCursor): number {
    return Math.min(this.#bans.length, this.#newest - checkedUpTo);
  }

  /**
   * Drops the bans up to a cursor that nothing stored is behind; with nothing stored, that is `newest`.
   * @returns how many
   */
  dropUpTo(cursor: BanCursor): number {
    const kept = this.#bans.findIndex((ban) => ban.cursor > cursor);
    const dropped = this.#bans.splice(0, kept < 0 ? this.#bans.length : kept);
    this.#dropped = dropped.at(-1)?.cursor ?? this.#dropped;
    return dropped.length;
  }
}

/**
 * Whether what a ban is about it is also about when it is made again later. Not where it is about what is young: that
 * is something else then.
 */
function isCoveredLater(expression: BanExpression): boolean {
  return expression.every(({ kind, operator }) => kind !== 'age' || operator === '>');
}

function factsOf({ expression, madeAt, banned }: Ban): BanFacts {
  return { expression, madeAt, banned };
}
