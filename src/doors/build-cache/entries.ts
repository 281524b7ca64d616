import type { Readable } from 'node:stream';
import type { Access } from '../../auth/access.ts';
import type { ByteRange } from '../../base/byte-range.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type {
  ListedObject,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutOutcome,
  StoredObject,
} from '../../storage/store.ts';
import { scopedKey } from './scoped-key.ts';

/** Where an entry was found. */
export interface Holding {
  readonly key: ObjectKey;
  readonly scope: string;
  readonly facts: ObjectFacts;
}

/** An entry that was found in a listing. */
export interface Listing {
  readonly key: ObjectKey;
  readonly name: string;
  readonly sizeBytes: number;
}

/** An entry that is being read, and how long the whole of it is where the range lies outside. */
export type ReadEntry = StoredObject | { readonly unsatisfiable: true; readonly sizeBytes: number };

/**
 * The entries as tokens see them: looked up in the scopes that a token reads, in order, and written in the one that it
 * writes. What lies elsewhere makes no difference to any answer. An entry's name is the same in every scope.
 */
export class Entries {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** One scope after the other: the order is that of trust, and most finds are in the first. */
  async find({ tenant, readScopes }: Access, name: string): Promise<Holding | undefined> {
    for (const scope of readScopes) {
      const key = scopedKey(tenant, scope, name);
      const facts = await this.#store.head(key);
      if (facts) return { key, scope, facts };
    }
    return undefined;
  }

  /** Likewise, without a look before it. */
  async read(access: Access, name: string, range?: ByteRange): Promise<ReadEntry | undefined> {
    for (const scope of access.readScopes) {
      const key = scopedKey(access.tenant, scope, name);
      const got = await this.#store.get(key, range);
      if (got === 'unsatisfiable')
        return { unsatisfiable: true, sizeBytes: (await this.#store.head(key))?.sizeBytes ?? 0 };
      if (got) return got;
    }
    return undefined;
  }

  /**
   * Of the entries whose names begin with the first of the beginnings that any has, the one that was stored last: in the
   * first scope that has one. What was stored within one second may come in any order, where the storage counts in seconds.
   * @param limit how many are looked at in all; of more, some are left out
   */
  async newest(
    { tenant, readScopes }: Access,
    beginnings: readonly string[],
    limit: number,
  ): Promise<Listing | undefined> {
    let left = limit;
    for (const beginning of beginnings)
      for (const scope of readScopes) {
        if (left <= 0) return undefined;
        const prefix = scopedKey(tenant, scope, beginning);
        let newest: ListedObject | undefined;
        for await (const object of this.#store.list({ prefix })) {
          if (left-- <= 0) break;
          if (!newest || object.modifiedAt > newest.modifiedAt) newest = object;
        }
        if (!newest) continue;
        const { key, sizeBytes } = newest;
        return { key, sizeBytes, name: key.slice(prefix.length - beginning.length) };
      }
    return undefined;
  }

  /** `forbidden`: the token writes nothing. The body is read by `stored` alone. */
  async write(
    { tenant, writeScope }: Access,
    name: string,
    body: Readable | Uint8Array,
    options: PutOptions,
  ): Promise<PutOutcome | 'forbidden'> {
    if (writeScope === undefined) return 'forbidden';
    return this.#store.put(scopedKey(tenant, writeScope, name), body, options);
  }

  /** From the scope that the token writes. Whether there was one. */
  async remove({ tenant, writeScope }: Access, name: string): Promise<boolean | 'forbidden'> {
    if (writeScope === undefined) return 'forbidden';
    const key = scopedKey(tenant, writeScope, name);
    if (!(await this.#store.head(key))) return false;
    await this.#store.delete(key);
    return true;
  }
}
