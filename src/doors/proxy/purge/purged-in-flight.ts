import type { CacheUri } from '../../../http-cache/cache-uri.ts';

/** One request on its way to the origin and back. */
export interface Departure {
  /** Purges before it are nothing to it: what it brings was made after them. */
  readonly purges: number;
}

export type Purged = { readonly uri: CacheUri } | { readonly tags: ReadonlySet<string> } | 'all';

/** Beyond it, whatever was on its way counts as purged: it is not stored, and that is all. */
const MAX_PURGED = 1_000;

/**
 * What is purged while responses are on their way: they may have been made before, so they must not be stored after.
 * Nothing is remembered but while there are such, and then a bounded number.
 */
export class PurgedInFlight {
  /** In the order in which they left. */
  readonly #departed = new Set<Departure>();
  /** The last of them is the one numbered `#purges`. */
  #purged: Purged[] = [];
  #purges = 0;

  /** Before the request goes to the origin. Each departure must land. */
  depart(): Departure {
    const departure = { purges: this.#purges };
    this.#departed.add(departure);
    return departure;
  }

  note(purged: Purged): void {
    this.#purges++;
    if (this.#departed.size === 0) return;
    if (purged === 'all' || this.#purged.length === MAX_PURGED) this.#purged = ['all'];
    else this.#purged.push(purged);
  }

  /**
   * Whether it was purged on its way: then nobody who asks from now on may be given it, and it must not be stored.
   * @param tags `undefined`: the answer is not there yet, so that it may have any; then whoever asks is not to wait for it
   */
  isPurged(departure: Departure, uri: CacheUri, tags: ReadonlySet<string> | undefined): boolean {
    return this.#since(departure).some((purged) => {
      if (purged === 'all') return true;
      if ('uri' in purged) return purged.uri === uri;
      return !(tags && purged.tags.isDisjointFrom(tags));
    });
  }

  /** Nothing more is asked about it: it was stored, or will not be. */
  land(departure: Departure): void {
    this.#departed.delete(departure);
    const [oldest] = this.#departed;
    this.#purged = oldest === undefined ? [] : this.#since(oldest);
  }

  /** Those noted since it left. */
  #since({ purges }: Departure): Purged[] {
    const count = this.#purges - purges;
    return count === 0 ? [] : this.#purged.slice(-count);
  }
}
