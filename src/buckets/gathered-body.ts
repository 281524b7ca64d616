import { Transform, type TransformCallback } from 'node:stream';

/**
 * Passes a body on and gathers it on the way, while it is small enough to be kept: as much memory as has come, and none
 * of a body that turned out larger.
 */
export class GatheredBody extends Transform {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] | undefined = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  /** All of it, where it has ended and was small enough. */
  get gathered(): Uint8Array | undefined {
    return this.#chunks && this.writableFinished ? Buffer.concat(this.#chunks, this.#bytes) : undefined;
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#chunks = undefined;
    this.#chunks?.push(chunk);
    done(null, chunk);
  }
}
