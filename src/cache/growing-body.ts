import { Readable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';
import type { BodyWriting } from './body-tier.ts';

/** What a follower is given at once: enough to keep a socket busy, and no second copy of the body. */
const PIECE_BYTES = 256 * 1024;

/**
 * A body that is being fetched into memory, of a length known before. Any number of readers follow it, each at its own
 * pace: one that is slow holds up nobody, for all of the body stays until the last of them is done.
 */
export class GrowingBody implements BodyWriting {
  readonly #bytes: Buffer;
  #filled = 0;
  #failure: Error | undefined;
  #isWhole = false;
  readonly #waiting = new Set<() => void>();

  constructor(sizeBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes); // not of the pool, all of which it would keep
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** The memory that it grows in: whoever has a part of it keeps all of it. */
  get memory(): Uint8Array {
    return this.#bytes;
  }

  /** The whole of it, once it is there. */
  get bytes(): Uint8Array | undefined {
    return this.#isWhole ? this.#bytes : undefined;
  }

  /** @throws VelocityError `BODY_TRUNCATED` where there is more than was announced */
  async append(chunk: Uint8Array): Promise<void> {
    if (this.#filled + chunk.length > this.#bytes.length) throw this.#unlike('more than');
    this.#bytes.set(chunk, this.#filled);
    this.#filled += chunk.length;
    // Not yet with the last bytes: who counts to the announced length takes it for whole, and its source may still say that it is not.
    if (this.#filled < this.#bytes.length) this.#wake();
  }

  async commit(): Promise<boolean> {
    this.#isWhole = this.#filled === this.#bytes.length;
    if (!this.#isWhole) this.#failure = this.#unlike(`${this.#filled} of`);
    this.#wake();
    return this.#isWhole;
  }

  async letGo(): Promise<void> {
    await this.commit(); // nobody but its followers holds it
  }

  async abort(error: Error): Promise<void> {
    this.#failure = error;
    this.#wake();
  }

  /** Reads it from wherever it is now to its end; fails where the body does. */
  follow(span: ByteSpan | 'whole'): Readable {
    let at = span === 'whole' ? 0 : span.first;
    const end = span === 'whole' ? this.#bytes.length : span.last + 1;
    const body = this;
    let wake: (() => void) | undefined;
    return new Readable({
      highWaterMark: PIECE_BYTES,
      read() {
        wake = () => {
          if (wake) body.#waiting.delete(wake);
          if (body.#failure) return void this.destroy(body.#failure);
          const readable = body.#isWhole ? end : Math.min(end, body.#filled, body.#bytes.length - 1);
          if (readable > at || at === end) {
            const piece = body.#bytes.subarray(at, Math.min(readable, at + PIECE_BYTES));
            at += piece.length;
            if (piece.length > 0) this.push(piece);
            if (at === end) this.push(null);
            return;
          }
          if (wake) body.#waiting.add(wake);
        };
        wake();
      },
      destroy(error, done) {
        if (wake) body.#waiting.delete(wake);
        done(error);
      },
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #unlike(had: string): VelocityError {
    return new VelocityError(
      'BODY_TRUNCATED',
      `The source sent ${had} the ${this.#bytes.length} bytes that it had announced.`,
    );
  }
}
