import { Lanes } from '../../base/lanes.ts';
import { Singleflight } from '../../base/singleflight.ts';
import { isDamage } from '../../storage/body.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectStore } from '../../storage/store.ts';

/** At once: a question of a hundred bytes must not make the server read as much as its clients together. */
export const REREAD_WIDTH = 2;
/** Under way and waiting; whoever asks for more is answered from what is known. */
export const MAX_REREADS = 32;

/**
 * Objects that a client found damaged are read by the server itself, for nobody's word is taken
 * for it. Damage is removed and counted by the store (`VerifiedStore`), as on every read.
 */
export class Rereads {
  readonly #store: ObjectStore;
  readonly #flights = new Singleflight<void>();
  readonly #lanes = new Lanes(REREAD_WIDTH);

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Resolves when the object was read, and removed where it is damaged; at once where too many are asked for. */
  async read(key: ObjectKey): Promise<void> {
    if (this.#lanes.size >= MAX_REREADS) return;
    await this.#flights.run(key, () => this.#lanes.run(0, () => this.#read(key)));
  }

  async #read(key: ObjectKey): Promise<void> {
    const got = await this.#store.get(key);
    if (got === undefined || got === 'unsatisfiable') return;
    if (got.facts.digest === undefined) {
      got.body.destroy(); // there is nothing to hold the bytes against
      return;
    }
    try {
      for await (const _ of got.body);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
}
