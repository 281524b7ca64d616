import { ownText } from '../../../base/own-text.ts';

/**
 * What a tag of an entry takes, in bytes: measured with tags of one entry each, which take most. Its text is there twice,
 * once in the index and once with the entry.
 */
const TAG_OVERHEAD_BYTES = 320;

const NONE: ReadonlySet<never> = new Set();

/** Which entries have a tag. What they take is the store's to charge: `tagBytes` for each entry. */
export class TagIndex<Id> {
  readonly #entries = new Map<string, Set<Id>>();

  /** How many tags anything has. */
  get size(): number {
    return this.#entries.size;
  }

  add(id: Id, tags: Iterable<string>): void {
    for (const tag of tags) {
      const entries = this.#entries.get(tag);
      if (entries) entries.add(id);
      else this.#entries.set(ownText(tag), new Set([id]));
    }
  }

  /** @param tags those it was added with; what is not there is no mistake */
  remove(id: Id, tags: Iterable<string>): void {
    for (const tag of tags) {
      const entries = this.#entries.get(tag);
      if (entries?.delete(id) && entries.size === 0) this.#entries.delete(tag);
    }
  }

  /** Those with the tag, as they are now: it may not be held while entries come and go. */
  with(tag: string): ReadonlySet<Id> {
    return this.#entries.get(tag) ?? NONE;
  }

  /** Those with any of the tags, each once. They are without these tags from now on; their others are `remove`d with them. */
  take(tags: Iterable<string>): ReadonlySet<Id> {
    const taken = new Set<Id>();
    for (const tag of tags) {
      for (const id of this.with(tag)) taken.add(id);
      this.#entries.delete(tag);
    }
    return taken;
  }
}

/** What an entry is to be charged for its tags, in bytes. */
export function tagBytes(tags: Iterable<string>): number {
  let bytes = 0;
  for (const tag of tags) bytes += TAG_OVERHEAD_BYTES + 2 * tag.length;
  return bytes;
}
