import type { Readable } from 'node:stream';
import type { BodyWriting } from './body-tier.ts';
import type { GrowingBody } from './growing-body.ts';
import type { Kept } from './kept.ts';
import type { GiveBack } from './memory-tier.ts';
import type { Sourced } from './source.ts';

/** Where the body of a flight goes. */
export type Landing<M> =
  /** Lent by the memory tier, as what it is to keep, until it has landed. */
  | { readonly in: 'memory'; readonly body: GrowingBody; readonly kept: Kept<M>; readonly giveBack: GiveBack }
  | { readonly in: 'disk'; readonly body: BodyWriting }
  /** Too large to be kept: whoever came first has it, the others ask the source themselves. */
  | { readonly in: 'nothing' };

/** One question to the source, and all who wait for its answer. */
export class Flight<M> {
  readonly sourced: Sourced<M>;
  readonly landing: Landing<M>;
  /** Until the body is where it goes; fails with it. */
  landed: Promise<void> = Promise.resolve();
  #isTaken = false;

  constructor(sourced: Sourced<M>, landing: Landing<M>) {
    this.sourced = sourced;
    this.landing = landing;
  }

  /** The source's own body, for the first who asks where nobody else can have it. */
  take(): Readable | undefined {
    if (this.landing.in !== 'nothing' || this.#isTaken) return undefined;
    this.#isTaken = true;
    return this.sourced.body;
  }
}
