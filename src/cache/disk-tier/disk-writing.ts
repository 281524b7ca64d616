import type { Readable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import { toFailure } from '../../storage/drivers/local/local-failure.ts';
import { BodyProgress } from './body-progress.ts';
import { Follower } from './follower.ts';
import type { SharedFile } from './shared-file.ts';
import { SpanStream, spanWithin } from './span-stream.ts';

/** What the tier does for a body that comes in. */
export interface WritingPlace {
  /** Opens the file for it. */
  create(): Promise<void>;
  /** Makes an entry of the file; `false`: nothing is stored. */
  publish(sizeBytes: number, checksums: readonly number[]): Promise<boolean>;
  /** Nothing comes of the file. */
  discard(): Promise<void>;
  /** The body of the entry that was published, if it is still there. */
  reopen(): Promise<SharedFile | undefined>;
  onWriteFailed(error: unknown): void;
  /** What a follower came upon. */
  onReadFailed(error: unknown): Promise<void>;
}

/** Small chunks are gathered up to so many bytes: what the file system takes at once. */
const GATHERED_BYTES = 64 * 1024;

/**
 * A body on its way into the tier, of a length that is known. It ends with `commit`, `letGo` or `abort`, and holds its
 * room until then. Trouble with the disk ends it quietly: `commit` says `false`, and only those who follow it get an error.
 */
export class DiskWriting {
  readonly sizeBytes: number;
  readonly #file: SharedFile;
  readonly #place: WritingPlace;
  readonly #progress: BodyProgress;
  readonly #gathered: Buffer;
  #gatheredBytes = 0;
  #receivedBytes = 0;
  /** One call after the other, though followers ask in between for what was gathered. */
  #last: Promise<unknown> = Promise.resolve();
  #committed: Promise<boolean> | undefined;

  constructor(sizeBytes: number, file: SharedFile, place: WritingPlace) {
    this.sizeBytes = sizeBytes;
    this.#file = file;
    this.#place = place;
    this.#progress = new BodyProgress(sizeBytes);
    this.#gathered = Buffer.allocUnsafe(Math.min(GATHERED_BYTES, sizeBytes));
  }

  /** Resolves when the next chunk may come, and this one may be written to again; after trouble at once. */
  append(chunk: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#take(chunk));
  }

  /**
   * The body or a part of it, as it comes in; any number of followers may be at any place of it. What is not there yet is
   * waited for, and a part that reaches into the last block for `commit`, too. Fails where the writing does.
   * @throws VelocityError `RANGE_UNSATISFIABLE` for a span that is not of this body
   */
  follow(span: ByteSpan | 'whole'): Readable {
    const within = spanWithin(span, this.sizeBytes);
    const follower = new Follower(this.#progress, {
      file: this.#file.share(),
      reopen: () => this.#place.reopen(),
      onWait: () => {
        if (this.#gatheredBytes > 0) this.#inTurn(() => this.#write([]));
      },
      onError: (error) => this.#place.onReadFailed(error),
    });
    return new SpanStream(follower, within);
  }

  /** Whether the body is an entry now. `false`: it is not as long as it should be, or the disk failed. */
  commit(): Promise<boolean> {
    this.#committed ??= this.#inTurn(() => this.#commit('kept'));
    return this.#committed;
  }

  /** The same without an entry: followers get the whole of what is as long as it should be. */
  async letGo(): Promise<void> {
    this.#committed ??= this.#inTurn(() => this.#commit('let go'));
    await this.#committed;
  }

  /** Nothing is stored, and followers fail with the error. After `commit` it does nothing. */
  abort(error: Error = new VelocityError('BODY_TRUNCATED', 'The body was given up.')): Promise<void> {
    return this.#inTurn(() => this.#fail(error));
  }

  async #take(chunk: Uint8Array): Promise<void> {
    if (!this.#progress.isArriving) return;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.sizeBytes) return this.#fail(wrongLength(this.sizeBytes, 'more'));
    if (this.#gatheredBytes + chunk.length >= this.#gathered.length || this.#progress.isWaitedFor) {
      return this.#write([chunk]);
    }
    this.#gathered.set(chunk, this.#gatheredBytes);
    this.#gatheredBytes += chunk.length;
  }

  /** What was gathered, and these. */
  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    if (!this.#progress.isArriving) return;
    const all = [this.#gathered.subarray(0, this.#gatheredBytes), ...chunks].filter(
      ({ length }) => length > 0,
    );
    this.#gatheredBytes = 0;
    try {
      if (!this.#file.isOpen) await this.#place.create();
      if (all.length > 0) await this.#file.append(all);
    } catch (error) {
      await this.#failFor(error);
      return;
    }
    this.#progress.written(all);
  }

  async #commit(outcome: 'kept' | 'let go'): Promise<boolean> {
    if (this.#receivedBytes < this.sizeBytes) await this.#fail(wrongLength(this.sizeBytes, 'less'));
    await this.#write([]);
    if (!this.#progress.isArriving) return false;
    const checksums = this.#progress.complete();
    const isStored = outcome === 'kept' && (await this.#place.publish(this.sizeBytes, checksums));
    if (!isStored) await this.#place.discard();
    this.#file.release();
    return isStored;
  }

  async #failFor(error: unknown): Promise<void> {
    this.#place.onWriteFailed(error);
    await this.#fail(toFailure('keep a body', error) as Error);
  }

  async #fail(error: Error): Promise<void> {
    if (!this.#progress.isArriving) return;
    this.#progress.fail(error);
    this.#file.release();
    await this.#place.discard();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done;
    return done;
  }
}

function wrongLength(sizeBytes: number, than: 'more' | 'less'): VelocityError {
  return new VelocityError(
    'BODY_TRUNCATED',
    `The body was announced with ${sizeBytes} bytes and has ${than}; nothing was stored.`,
  );
}
