import { Readable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import { BLOCK_BYTES } from './block-checksums.ts';

/** Where a stream has its bytes from, piece by piece. */
export interface SpanSource {
  /** Some bytes from `position` on: at least one, none beyond `last`. */
  read(position: number, last: number): Promise<Buffer>;
  /** No more is asked for; called once, maybe while `read` is under way. */
  close(): void;
}

/** A part of a body as a stream. It asks for the next piece when its reader has taken the last one. */
export class SpanStream extends Readable {
  readonly #source: SpanSource;
  readonly #last: number;
  #position: number;
  #isClosed = false;

  constructor(source: SpanSource, span: ByteSpan) {
    super({ highWaterMark: BLOCK_BYTES });
    this.#source = source;
    this.#position = span.first;
    this.#last = span.last;
  }

  override _read(): void {
    if (this.#position > this.#last) this.#end();
    else this.#source.read(this.#position, this.#last).then(this.#take, this.#fail);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#close();
    done(error);
  }

  readonly #take = (bytes: Buffer): void => {
    if (this.destroyed) return;
    this.#position += bytes.length;
    const isLast = this.#position > this.#last;
    // A reader that is slow with the last bytes holds no file open for them.
    if (isLast) this.#close();
    this.push(bytes);
    if (isLast) this.push(null);
  };

  readonly #fail = (error: Error): void => {
    this.destroy(error);
  };

  #end(): void {
    this.#close();
    this.push(null);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#source.close();
  }
}

/** @throws VelocityError `RANGE_UNSATISFIABLE` for a span that is not of a body of this size */
export function spanWithin(span: ByteSpan | 'whole', sizeBytes: number): ByteSpan {
  if (span === 'whole') return { first: 0, last: sizeBytes - 1 };
  const { first, last } = span;
  if (first >= 0 && first <= last && last < sizeBytes) return span;
  throw new VelocityError(
    'RANGE_UNSATISFIABLE',
    `The bytes ${first} to ${last} are not of a body of ${sizeBytes}.`,
  );
}
