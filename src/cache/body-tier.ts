import type { Readable, Writable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';
import type { SendingOptions } from '../base/pump-blocks.ts';

/** A body that a tier holds, opened: it can be read whole whatever becomes of its entry meanwhile. Must be read or closed. */
export interface HeldBody<M> {
  readonly meta: M;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** All of it, checked; `undefined`: it is damaged, and gone. */
  bytes(): Promise<Uint8Array | undefined>;
  /** Fails before the first doubtful byte. */
  stream(span: ByteSpan | 'whole'): Readable;
  /** Sends what `stream` reads, and leaves the sink open; for large bodies at less cost. A sink that is closed ends it well. */
  sendTo?(sink: Writable, span: ByteSpan | 'whole', options: SendingOptions): Promise<void>;
  close(): void;
}

/** A body on its way into a tier. */
export interface BodyWriting {
  /** Resolves when more may come. */
  append(chunk: Uint8Array): Promise<void>;
  /** Reads what is there and waits for what is not; fails with the writing. */
  follow(span: ByteSpan | 'whole'): Readable;
  /** Whether it is held now: not where it was not of the announced length, nor where the tier had trouble. Followers fail then. */
  commit(): Promise<boolean>;
  /** In place of `commit`, where the body is no longer wanted: those who follow it get all of it, and it is not held. */
  letGo(): Promise<void>;
  abort(error: Error): Promise<void>;
}

/** A tier for bodies that need not fit in memory. Its trouble is a miss. */
export interface BodyTier<M> {
  /** Of the body it holds, without a look at the disk. */
  sizeOf(key: string): number | undefined;
  read(key: string): Promise<HeldBody<M> | undefined>;
  /** `undefined`: it takes no body of this size. */
  write(key: string, meta: M, sizeBytes: number): Promise<BodyWriting | undefined>;
  delete(key: string): Promise<void>;
}
