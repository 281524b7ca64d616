import type { Readable, Writable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import type { Digest } from '../../base/digest.ts';

/** What was built, opened for one who wants it: it stays whole whatever becomes of its file. Streamed or sent once, or closed. */
export interface Binary {
  readonly key: Digest;
  readonly sizeBytes: number;
  /** When it was built, in milliseconds since the epoch. With the key it names these very bytes. */
  readonly builtAt: number;
  /** Held open until it was read to its end or destroyed. Fails rather than give out doubtful bytes. */
  stream(span: ByteSpan | 'whole'): Readable;
  /** As `FileBody.sendTo`. */
  sendTo(sink: Writable, span: ByteSpan | 'whole'): Promise<void>;
  /** Whether the first bytes of a span are sound. Where they are not, it can be closed only. */
  begins(span: ByteSpan | 'whole'): Promise<boolean>;
  close(): void;
}
