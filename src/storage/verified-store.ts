import { pipeline, type Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import { digestOf } from '../base/digest.ts';
import { isDamage, VerifyingStream } from './body.ts';
import type { ObjectKey } from './object-key.ts';
import { objectOfBytes } from './object-of-bytes.ts';
import type { Got, ObjectFacts, ObjectStore, PutOptions, PutOutcome, StoredObject } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/**
 * Bodies up to this size are read and checked before the first byte is handed out, so that
 * damage is a plain miss. Larger ones are checked as they stream: damage cuts the stream
 * before its last chunk, and the next reader gets the miss.
 */
const CHECKED_AHEAD_BYTES = 1024 * 1024;

/**
 * Reads of whole objects are held against their digest, also where a range covers the whole:
 * doubtful bytes read as a miss, and are removed. A digest says nothing of a part: parts pass as they are.
 */
export class VerifiedStore extends WrappedStore {
  readonly #onDamaged: (key: ObjectKey) => void;
  readonly #keeps: boolean;
  /** What was found damaged counts as gone: whoever asks for it waits until it is. */
  readonly #removals = new Map<ObjectKey, Promise<void>>();

  /**
   * @param onDamaged is told of each object that was found damaged
   * @param damaged what becomes of it; in a bucket that others write it is theirs, and only not given out
   */
  constructor(
    below: ObjectStore,
    onDamaged: (key: ObjectKey) => void,
    damaged: 'removed' | 'kept' = 'removed',
  ) {
    super(below);
    this.#onDamaged = onDamaged;
    this.#keeps = damaged === 'kept';
  }

  override async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    await this.#removals.get(key);
    const got = await super.get(key, range, signal);
    if (got === undefined || got === 'unsatisfiable' || got.facts.digest === undefined) return got;
    if (!isWhole(got)) return got;
    return got.facts.sizeBytes <= CHECKED_AHEAD_BYTES
      ? this.#checkAhead(key, got)
      : this.#checkWhileStreaming(key, got);
  }

  override async head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    await this.#removals.get(key);
    return super.head(key, signal);
  }

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    await this.#removals.get(key);
    return super.put(key, body, options);
  }

  async #checkAhead(key: ObjectKey, got: StoredObject): Promise<Got> {
    const bytes = got.bytes ?? Buffer.concat(await got.body.toArray());
    if (digestOf(bytes) === got.facts.digest)
      return got.bytes ? got : objectOfBytes(got.facts, got.span, bytes);
    await this.#remove(key);
    return undefined;
  }

  #checkWhileStreaming(key: ObjectKey, got: StoredObject): StoredObject {
    const { facts } = got;
    let isRemoved = false;
    const remove = (): void => {
      if (!isRemoved) void this.#remove(key);
      isRemoved = true;
    };
    const body = new VerifyingStream({ sizeBytes: facts.sizeBytes, digest: facts.digest }, remove);
    // A driver that checks digests itself tells of damage by failing.
    pipeline(got.body, body, (error) => {
      if (isDamage(error)) remove();
    });
    return { ...got, body };
  }

  /** A store that cannot delete (read-only, say) keeps the bad object, and every reader of it gets its miss. */
  #remove(key: ObjectKey): Promise<void> {
    this.#onDamaged(key);
    if (this.#keeps) return Promise.resolve();
    const removal = this.delete(key)
      .catch(() => {})
      .finally(() => this.#removals.delete(key));
    this.#removals.set(key, removal);
    return removal;
  }
}

function isWhole({ span, facts: { sizeBytes } }: StoredObject): boolean {
  return span === 'whole' || (span.first === 0 && span.last === sizeBytes - 1);
}
