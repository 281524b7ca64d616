import { Readable, Transform, type TransformCallback } from 'node:stream';
import { type Digest, DigestMeter } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';

export function toReadable(body: Readable | Uint8Array): Readable {
  return body instanceof Readable ? body : Readable.from([body], { objectMode: false });
}

/** What a body must turn out to be; `undefined` asks nothing. */
export interface Announced {
  readonly sizeBytes?: number | undefined;
  readonly digest?: Digest | undefined;
}

/** @throws VelocityError `BODY_TRUNCATED` or `DIGEST_MISMATCH` where the body was not what was announced. */
export function assertAsAnnounced(announced: Announced, sizeBytes: number, digest: Digest): void {
  if (announced.sizeBytes !== undefined && announced.sizeBytes !== sizeBytes) {
    throw new VelocityError(
      'BODY_TRUNCATED',
      `The body was announced with ${announced.sizeBytes} bytes and had ${sizeBytes}; nothing was stored.`,
    );
  }
  if (announced.digest !== undefined && announced.digest !== digest) {
    throw new VelocityError(
      'DIGEST_MISMATCH',
      `The body was announced with SHA-256 ${announced.digest} and has ${digest}.`,
    );
  }
}

function tooLong(sizeBytes: number): VelocityError {
  return new VelocityError(
    'BODY_TRUNCATED',
    `The body was announced with ${sizeBytes} bytes and has more; nothing was stored.`,
  );
}

/** The bytes are wrong, which is not the same as a backend or a connection that broke off while it sent them. */
export function isDamage(error: unknown): error is VelocityError {
  return (
    error instanceof VelocityError && (error.code === 'DIGEST_MISMATCH' || error.code === 'BODY_TRUNCATED')
  );
}

/**
 * Passes a body through and holds its last chunk back until the digest is right, so that
 * whoever receives the stream's clean end has received the announced bytes.
 */
export class VerifyingStream extends Transform {
  readonly #meter = new DigestMeter();
  readonly #announced: Announced;
  readonly #onDamaged: () => void;
  #held: Uint8Array | undefined;

  /** `onDamaged` is called before the stream fails, so that whoever sees it fail finds it done. */
  constructor(announced: Announced, onDamaged: () => void = () => {}) {
    super();
    this.#announced = announced;
    this.#onDamaged = onDamaged;
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) {
      done(); // held back in the place of the last bytes, it would let them go
      return;
    }
    this.#meter.update(chunk);
    const { sizeBytes } = this.#announced;
    if (sizeBytes !== undefined && this.#meter.bytes > sizeBytes) {
      this.#onDamaged();
      done(tooLong(sizeBytes)); // at once: a receiver that counts to the announced length would take it for whole
      return;
    }
    const held = this.#held;
    this.#held = chunk;
    done(null, held);
  }

  override _flush(done: TransformCallback): void {
    try {
      assertAsAnnounced(this.#announced, this.#meter.bytes, this.#meter.digest());
    } catch (error) {
      this.#onDamaged();
      done(error as Error);
      return;
    }
    done(null, this.#held);
  }
}
