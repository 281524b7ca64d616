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
  /** The key that it is kept under, where that shows only now; without it, the one that it was asked for by. */
  readonly keptAs?: string | undefined;
}

/** Where a body comes from that no tier holds. */
export interface Source<M> {
  /** `undefined`: it has none. */
  open(): Promise<Sourced<M> | undefined>;
  /**
   * A part of a body that was opened before.
   * @throws BodyChanged
   */
  openPart(span: ByteSpan, of: M): Promise<Readable>;
}

/** A source that bodies can be had from in pages. */
export interface PagedSource<M> extends Source<M> {
  /** The first bytes of the body, as many as there are up to `maxBytes`. `undefined`: it has none. */
  openFirst(maxBytes: number): Promise<Sourced<M> | undefined>;
}
