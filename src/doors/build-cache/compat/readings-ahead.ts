import type { Access } from '../../../auth/access.ts';
import { Lanes } from '../../../base/lanes.ts';
import { Singleflight } from '../../../base/singleflight.ts';
import { isDamage } from '../../../storage/body.ts';
import type { ObjectStore } from '../../../storage/store.ts';
import { type Verdict, verify } from '../../../storage/verify.ts';
import type { Entries } from '../entries.ts';

/** Each reads a whole entry, of any size; the smallest that waits goes first. */
const READINGS_AT_ONCE = 4;

/** Entries read to their end before they are answered, for clients to whom an answer that is cut short is a failed build. */
export class ReadingsAhead {
  readonly #store: ObjectStore;
  readonly #entries: Entries;
  /** However many ask for an entry at once, and leave again, it is read once. */
  readonly #verdicts = new Singleflight<Verdict>();
  readonly #lanes = new Lanes(READINGS_AT_ONCE);

  constructor(store: ObjectStore, entries: Entries) {
    this.#store = store;
    this.#entries = entries;
  }

  /**
   * Reads what the token would be given; what is damaged is removed by the store, and then the next one counts.
   * @returns whether what is there now, if anything, is sound: what cannot be removed is in the way of all that comes after it
   */
  async leavesSound(access: Access, name: string): Promise<boolean> {
    for (const _ of access.readScopes) {
      const found = await this.#entries.find(access, name);
      if (!found) return true;
      try {
        const read = () => verify(this.#store, found.key);
        const wait = () => this.#lanes.run(found.facts.sizeBytes, read);
        if ((await this.#verdicts.run(found.key, wait)) !== 'damaged') return true;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return false;
  }
}
