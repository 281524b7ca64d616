import type { Access } from '../../../auth/access.ts';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { OnBytes } from '../../../http/transfer.ts';

/** Of more uploads than these the oldest are forgotten: what comes for them begins at nothing, and is charged at the end. */
const MAX_UPLOADS = 10_000;
/** Parts that broke off or were sent again count, too. */
const SENT_AGAIN = 2;

interface Tally {
  /** Whose token asked for the URL; `undefined` where another server was asked. */
  readonly access: Access | undefined;
  bytes: number;
  chargedBytes: number;
}

/**
 * How much came for each upload whose URL is its credential: such a URL opens long after its token was looked at, so
 * what comes under it is bounded, and charged to that token as it comes. Of this server alone, as limits are.
 */
export class UploadTallies {
  readonly #limits: RateLimits | undefined;
  readonly #maxBytes: number;
  readonly #tallies = new Map<string, Tally>();

  /** @param maxBytes of a whole upload */
  constructor(maxBytes: number, limits: RateLimits | undefined) {
    this.#maxBytes = maxBytes;
    this.#limits = limits;
  }

  /** Whose token is to be charged for an upload. */
  begin(id: string, access: Access): void {
    this.#add(id, access);
  }

  /**
   * To be told of what comes for an upload.
   * @throws VelocityError `BODY_TOO_LARGE` where too much came already
   */
  partOf(id: string): OnBytes {
    const tally = this.#tallies.get(id) ?? this.#add(id, undefined);
    const limit = this.#maxBytes * SENT_AGAIN;
    if (tally.bytes > limit)
      throw new VelocityError(
        'BODY_TOO_LARGE',
        `For this upload came ${tally.bytes} bytes; the limit is ${limit}, what was sent again included.`,
      );
    const charge = tally.access && this.#limits?.tokenCharge(tally.access, 'bytes');
    return (bytes) => {
      tally.bytes += bytes;
      if (!charge) return;
      tally.chargedBytes += bytes;
      charge(bytes);
    };
  }

  /** For how much of an upload its token was charged. */
  chargedBytes(id: string): number {
    return this.#tallies.get(id)?.chargedBytes ?? 0;
  }

  #add(id: string, access: Access | undefined): Tally {
    const tally = { access, bytes: 0, chargedBytes: 0 };
    this.#tallies.set(id, tally);
    const [oldest] = this.#tallies.keys();
    if (this.#tallies.size > MAX_UPLOADS && oldest !== undefined) this.#tallies.delete(oldest);
    return tally;
  }
}
