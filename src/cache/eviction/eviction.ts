/**
 * Decides which key goes when one has to. Knows keys and their order alone: the tier holds what belongs to them, counts
 * it, and asks for one key after the other until there is room. Every call costs the same, however many keys there are.
 */
export interface Eviction {
  /** A key has come in that was not there. */
  admit(key: string): void;
  /** A key that is there was asked for. */
  touch(key: string): void;
  /** A key went for another reason; one that is not there is no mistake. */
  forget(key: string): void;
  /** Takes the next one out. `undefined`: there is none. */
  evict(): string | undefined;
}
