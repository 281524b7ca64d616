import type { Readable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';

/** What a source answered with; the body must be consumed or destroyed. */
export interface Sourced<M> {
  /** Kept beside the body and given out with it. */
  readonly meta: M;
  /** Of the whole, whatever part `body` is. */
  readonly sizeBytes: number;
  /** Fails, rather than ends, where it is cut short or is found to be wrong. */
  readonly body: Readable;
  /** The same, where it is in memory as a whole. */
  readonly bytes?: Uint8Array | undefined;
}

/** Where a body comes from that no tier holds. */
export interface Source<M> {
  /** `undefined`: it has none. */
  open(): Promise<Sourced<M> | undefined>;
  /** A part of a body that was opened before; what has changed since is an error. */
  openPart(span: ByteSpan, of: M): Promise<Readable>;
}
