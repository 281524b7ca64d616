import type { Cancellation } from '../../../base/cancellation.ts';
import type { Clock } from '../../../base/clock.ts';
import type { OriginFailure } from '../../../http-cache/after-failure.ts';
import type { Sent } from './stored-purges.ts';

/**
 * How the question of one who goes first ended for those who wait. `answered`: there may be something stored now. `failed`: the
 * origin did; `error` where its client was told so. `abandoned`: its client left, and nobody seemed to wait.
 */
export type Landed =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly failure: OriginFailure; readonly error?: unknown }
  | { readonly kind: 'abandoned' };

/** One question to an origin that others wait for, until the head of its answer is here. */
export class HeadFlight {
  readonly key: string;
  readonly sent: Sent;
  readonly landed: Promise<Landed>;
  #land!: (landed: Landed) => void;
  #waiting = 0;

  constructor(key: string, sent: Sent) {
    this.key = key;
    this.sent = sent;
    this.landed = new Promise((resolve) => {
      this.#land = resolve;
    });
  }

  /** Whether anybody but its own client wants its answer. */
  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Also over when who waits has gone. */
  async wait(gone: Cancellation): Promise<Landed | 'gone'> {
    this.#waiting++;
    let leave: (() => void) | undefined;
    try {
      const left = new Promise<'gone'>((resolve) => {
        leave = () => resolve('gone');
        if (gone.aborted) leave();
        else gone.addEventListener('abort', leave, { once: true });
      });
      return await Promise.race([this.landed, left]);
    } finally {
      if (leave) gone.removeEventListener('abort', leave);
      this.#waiting--;
    }
  }

  land(landed: Landed): void {
    this.#land(landed);
  }
}

export interface HeadFlightsOptions {
  readonly clock: Clock;
  /** How long a key whose answers cannot be shared is not waited for, in milliseconds. */
  readonly unsharedMs: number;
  readonly maxUnshared: number;
}

/**
 * Who asks the origin for what, and for which keys nobody waits: where an answer was not one for everybody, the next will
 * hardly be, and who waited would have waited for nothing, one after the other ("hit-for-miss").
 */
export class HeadFlights {
  readonly #options: HeadFlightsOptions;
  readonly #flights = new Map<string, HeadFlight>();
  readonly #unshared = new Map<string, number>();

  constructor(options: HeadFlightsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#flights.size;
  }

  get(key: string): HeadFlight | undefined {
    return this.#flights.get(key);
  }

  /** For a key that nobody asks for. It must land. */
  begin(key: string, sent: Sent): HeadFlight {
    const flight = new HeadFlight(key, sent);
    this.#flights.set(key, flight);
    return flight;
  }

  land(flight: HeadFlight, landed: Landed): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
    flight.land(landed);
  }

  isShared(key: string): boolean {
    const until = this.#unshared.get(key);
    if (until === undefined) return true;
    if (this.#options.clock.elapsed() < until) return false;
    this.#unshared.delete(key);
    return true;
  }

  /** What was learnt of its last answer. */
  note(key: string, isShared: boolean): void {
    this.#unshared.delete(key);
    if (isShared) return;
    const { clock, unsharedMs, maxUnshared } = this.#options;
    const [oldest] = this.#unshared.keys();
    if (oldest !== undefined && this.#unshared.size >= maxUnshared) this.#unshared.delete(oldest);
    this.#unshared.set(key, clock.elapsed() + unsharedMs);
  }
}
