/** A whole body in memory. */
export interface Kept<M> {
  readonly meta: M;
  readonly bytes: Uint8Array;
}
