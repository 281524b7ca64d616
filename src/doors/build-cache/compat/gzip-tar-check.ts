import { Transform, type TransformCallback } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { messageOf } from '../../../base/errors.ts';
import { notAnArchive, TarOutline } from './tar-outline.ts';

/**
 * What a body may inflate to: this much, and so many times what arrived of it. Nothing inflated is kept, so it is time that
 * is bounded: at worst a byte that arrives costs two hundred to inflate. Builds' outputs shrink to a fifth or a tenth;
 * deflate at most to a thousandth, and only what repeats itself for hundreds of MiB is refused for that.
 */
const FREE_INFLATED_BYTES = 256 * 1024 * 1024;
const MAX_RATIO = 200;
const INFLATED_PIECE_BYTES = 128 * 1024;

/**
 * Passes a gzip of a tar archive through, inflates it beside that, and holds its last chunk back until gzip's own checksum
 * and length were right and the archive ended as archives end: whoever receives the stream's clean end has received a
 * whole archive. Fails with `BODY_DAMAGED`. Holds a chunk and some hundred KiB, whatever passes.
 */
export class GzipTarCheck extends Transform {
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: INFLATED_PIECE_BYTES });
  readonly #outline = new TarOutline();
  #arrivedBytes = 0;
  #inflatedBytes = 0;
  #held: Uint8Array | undefined;
  #failure: Error | undefined;
  /** Waits until the engine has taken what it was given, or has come to its end. */
  #onTaken = (): void => {};

  constructor() {
    super();
    this.#gunzip.on('data', (piece: Buffer) => this.#look(piece));
    this.#gunzip.on('error', (error) => this.#fail(notAnArchive(messageOf(error))));
    // An engine that fails never says of its last chunk that it was taken.
    this.#gunzip.once('close', () => this.#onTaken());
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) {
      done(); // held back in the place of the last bytes, it would let them go
      return;
    }
    this.#arrivedBytes += chunk.length;
    const held = this.#held;
    this.#held = chunk;
    if (this.#gunzip.closed) this.#fail(notAnArchive('something follows its end'));
    if (this.#failure) {
      done(this.#failure);
      return;
    }
    this.#onTaken = () => {
      this.#onTaken = () => {};
      if (this.#failure) done(this.#failure);
      else done(null, held);
    };
    this.#gunzip.write(chunk, () => this.#onTaken());
  }

  override _flush(done: TransformCallback): void {
    const end = (): void => {
      // An engine stops reading at the end of what it knows.
      if (this.#gunzip.bytesWritten !== this.#arrivedBytes)
        this.#fail(notAnArchive('something follows its end'));
      if (!this.#outline.isDone) this.#fail(notAnArchive('it ends before its last block'));
      if (this.#failure) done(this.#failure);
      else done(null, this.#held);
    };
    if (this.#gunzip.closed) {
      end();
      return;
    }
    this.#onTaken = end;
    this.#gunzip.end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#gunzip.destroy();
    done(error);
  }

  #look(piece: Buffer): void {
    this.#inflatedBytes += piece.length;
    if (this.#inflatedBytes > FREE_INFLATED_BYTES + MAX_RATIO * this.#arrivedBytes) {
      this.#fail(notAnArchive('it inflates beyond all measure'));
      return;
    }
    try {
      this.#outline.push(piece);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The first failure is the one to tell. */
  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#gunzip.destroy();
  }
}
