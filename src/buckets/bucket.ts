import type { ObjectStore } from '../storage/store.ts';

/** A store under the name that clients know it by. */
export interface Bucket {
  readonly id: string;
  readonly store: ObjectStore;
  /** Where writes go, and what came of them is asked, where that is not `store`. */
  readonly writesTo?: ObjectStore;
  /** What it holds is not written again. */
  readonly immutable: boolean;
}
