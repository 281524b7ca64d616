import type { UserDelegationKey } from '@azure/storage-blob';
import type { Clock } from '../../../base/clock.ts';
import { Singleflight } from '../../../base/singleflight.ts';
import { toFailure } from './azure-failure.ts';

const DAY_MS = 24 * 3_600_000;
/** Azure gives keys for at most seven days; a URL may last so long, and one key serves a day of URLs. */
export const LONGEST_DELEGATION_MS = 5 * DAY_MS;
/** How far ahead of Azure's this machine's clock may be before a new key is not valid yet. */
const CLOCK_SKEW_MS = 15 * 60_000;

export type AskForKey = (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>;

/**
 * Keys that sign in the name of an identity. One is fetched for many URLs, and the next when the
 * one at hand would expire before a URL does.
 * https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
 */
export class DelegationKeys {
  readonly account: string;
  readonly #askForKey: AskForKey;
  readonly #clock: Clock;
  readonly #flights = new Singleflight<UserDelegationKey>();
  #newest: UserDelegationKey | undefined;

  constructor(account: string, askForKey: AskForKey, clock: Clock) {
    this.account = account;
    this.#askForKey = askForKey;
    this.#clock = clock;
  }

  /** A key that is good at `instant`, which is no further away than `LONGEST_DELEGATION_MS`. */
  async goodUntil(instant: number): Promise<UserDelegationKey> {
    const newest = this.#newest;
    if (newest && newest.signedExpiresOn.getTime() >= instant) return newest;
    return this.#flights.run('key', () => this.#fetch(instant));
  }

  async #fetch(instant: number): Promise<UserDelegationKey> {
    const startsOn = new Date(this.#clock.now() - CLOCK_SKEW_MS);
    try {
      this.#newest = await this.#askForKey(startsOn, new Date(instant + DAY_MS));
      return this.#newest;
    } catch (error) {
      throw toFailure('get a key for signing URLs', error);
    }
  }
}
