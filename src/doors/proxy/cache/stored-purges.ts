import type { Clock } from '../../../base/clock.ts';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { BanExpression } from '../purge/ban-condition.ts';
import type { BanCursor, BanFacts, BanList } from '../purge/ban-list.ts';
import { BanSweep } from '../purge/ban-sweep.ts';
import { type Departure, PurgedInFlight } from '../purge/purged-in-flight.ts';
import type { PurgeOptions, Purges } from '../purge/purges.ts';
import { softPurged } from '../purge/soft-purged.ts';
import type { AnswerIndex } from './answer-index.ts';
import type { StoredAnswer } from './stored-answer.ts';

export interface StoredPurgesOptions {
  readonly index: AnswerIndex;
  readonly bans: BanList;
  readonly clock: Clock;
}

/** When a request went to the origin: what was purged or banned after that is not answered by what it brings. */
export interface Sent {
  readonly departure: Departure;
  readonly checkedUpTo: BanCursor;
}

/** Tests of one step of a sweep: some milliseconds. */
const TESTS_A_STEP = 2_000;

/** What is purged and banned, of what is stored and of what is on its way to be. */
export class StoredPurges implements Purges {
  readonly #options: StoredPurgesOptions;
  readonly #inFlight = new PurgedInFlight();
  readonly #sweep: BanSweep<SweptAnswer>;
  #isSweeping = false;

  constructor(options: StoredPurgesOptions) {
    this.#options = options;
    const { index } = options;
    this.#sweep = new BanSweep(options.bans, {
      *stored() {
        for (const answer of index.all()) yield new SweptAnswer(answer);
      },
      remove: ({ subject }) => void index.remove(subject),
    });
  }

  /** Before a request goes to the origin. Each must land. */
  depart(): Sent {
    return { departure: this.#inFlight.depart(), checkedUpTo: this.#options.bans.newest };
  }

  /** Whether what comes of a request must not be stored. */
  isPurged({ departure }: Sent, uri: CacheUri, tags: ReadonlySet<string>): boolean {
    return this.#inFlight.isPurged(departure, uri, tags);
  }

  /** Whether who asks now must not wait for what comes of a request. */
  isOutdated({ departure, checkedUpTo }: Sent, uri: CacheUri): boolean {
    const { bans } = this.#options;
    return checkedUpTo !== bans.newest || this.#inFlight.isPurged(departure, uri, undefined);
  }

  land({ departure }: Sent): void {
    this.#inFlight.land(departure);
  }

  purge(uri: CacheUri, options: PurgeOptions): number {
    this.#inFlight.note({ uri });
    return this.#purge(this.#options.index.ofUri(uri), options);
  }

  purgeTags(tags: readonly string[], options: PurgeOptions): number {
    this.#inFlight.note({ tags: new Set(tags) });
    return this.#purge(this.#options.index.tagged(tags), options);
  }

  purgeAll(options: PurgeOptions): number {
    this.#inFlight.note('all');
    return this.#purge([...this.#options.index.all()], options);
  }

  ban(expression: BanExpression): BanFacts {
    const { bans } = this.#options;
    const banned = bans.add(expression);
    if (bans.isCrowded) while (!this.#sweep.step(TESTS_A_STEP));
    else this.#sweepSoon();
    return banned;
  }

  bans(): readonly BanFacts[] {
    return this.#options.bans.all();
  }

  #purge(answers: readonly StoredAnswer[], { soft }: PurgeOptions): number {
    const { index, clock } = this.#options;
    for (const answer of answers) {
      if (soft) index.put({ ...answer, facts: softPurged(answer.facts, clock.now()) });
      else index.remove(answer);
    }
    return answers.length;
  }

  /** A step now and then, with whatever else there is to do in between. */
  #sweepSoon(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    setImmediate(() => {
      this.#isSweeping = false;
      if (!this.#sweep.step(TESTS_A_STEP)) this.#sweepSoon();
    });
  }
}

/** A stored response as the sweep goes over it. */
class SweptAnswer {
  readonly subject: StoredAnswer;

  constructor(subject: StoredAnswer) {
    this.subject = subject;
  }

  get checkedUpTo(): BanCursor {
    return this.subject.checkedUpTo;
  }

  set checkedUpTo(cursor: BanCursor) {
    this.subject.checkedUpTo = cursor;
  }
}
