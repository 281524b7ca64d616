import { pipeline, Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import { digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import { VerifyingStream } from './body.ts';
import type { ObjectKey } from './object-key.ts';
import type { Got, ObjectStore, StoredObject } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/**
 * Bodies up to this size are read and checked before the first byte is handed out, so that
 * damage is a plain miss. Larger ones are checked as they stream: damage cuts the stream
 * before its last chunk, and the next reader gets the miss.
 */
const CHECKED_AHEAD_BYTES = 1024 * 1024;

/**
 * Reads of whole objects are held against their digest: doubtful bytes are removed and
 * read as a miss. Ranges cannot be checked and pass as they are.
 */
export class VerifiedStore extends WrappedStore {
  readonly #onDamaged: (key: ObjectKey) => void;

  /** `onDamaged` is told of each object that was found damaged. */
  constructor(below: ObjectStore, onDamaged: (key: ObjectKey) => void) {
    super(below);
    this.#onDamaged = onDamaged;
  }

  override async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    const got = await super.get(key, range, signal);
    if (got === undefined || got === 'unsatisfiable' || got.span !== 'whole') return got;
    if (got.facts.digest === undefined) return got;
    return got.facts.sizeBytes <= CHECKED_AHEAD_BYTES
      ? this.#checkAhead(key, got)
      : this.#checkWhileStreaming(key, got);
  }

  async #checkAhead(key: ObjectKey, got: StoredObject): Promise<Got> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of got.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) === got.facts.digest)
      return { ...got, body: Readable.from([bytes], { objectMode: false }) };
    await this.#remove(key);
    return undefined;
  }

  #checkWhileStreaming(key: ObjectKey, got: StoredObject): StoredObject {
    const { facts } = got;
    const body = new VerifyingStream({ sizeBytes: facts.sizeBytes, digest: facts.digest });
    pipeline(got.body, body, (error) => {
      if (!isDamage(error)) return;
      void this.#remove(key);
    });
    return { ...got, body };
  }

  /** A store that cannot delete (read-only, say) keeps the bad object, and every reader of it gets its miss. */
  async #remove(key: ObjectKey): Promise<void> {
    this.#onDamaged(key);
    await this.delete(key).catch(() => {});
  }
}

/** The bytes are wrong, which is not the same as a backend that broke off while it sent them. */
function isDamage(error: unknown): boolean {
  return (
    error instanceof VelocityError && (error.code === 'DIGEST_MISMATCH' || error.code === 'BODY_TRUNCATED')
  );
}
