import type { Digest } from '../digest.ts';
import { VelocityError } from '../errors.ts';
import { type DigestAnswer, SLAB_BYTES } from './digest-messages.ts';
import type { DigestThread } from './digest-thread.ts';

/**
 * SHA-256 of a file while it is written. The descriptor stays its owner's, who must not close it before `end` or `abort`
 * is done: its number would be another file's.
 */
export class GrowingDigest {
  readonly #id: number;
  readonly #fd: number;
  readonly #thread: DigestThread;
  readonly #answer: Promise<DigestAnswer>;
  #toldBytes = 0;
  #end: Promise<Digest> | undefined;

  /** @param id no other digest of the thread has it, before or after */
  constructor(id: number, fd: number, thread: DigestThread) {
    this.#id = id;
    this.#fd = fd;
    this.#thread = thread;
    this.#answer = thread.begin(id);
  }

  /** So many bytes are in the file and stay as they are. The thread is told once there is a slab more. */
  grown(upTo: number): void {
    if (!this.#end && upTo - this.#toldBytes >= SLAB_BYTES) this.#tell(upTo, false);
  }

  /**
   * The digest of the file's first `sizeBytes`, which are all there. However it ends, the descriptor is touched no more.
   * @throws VelocityError `STORAGE_FAILED`: they could not be read, the thread has died, or it was aborted
   */
  end(sizeBytes: number): Promise<Digest> {
    this.#end ??= this.#endOnce(sizeBytes);
    return this.#end;
  }

  /** Resolves once the descriptor is touched no more. May be called at any time, and again. */
  async abort(): Promise<void> {
    this.#thread.send({ kind: 'abort', id: this.#id });
    await this.#answer;
  }

  async #endOnce(sizeBytes: number): Promise<Digest> {
    this.#tell(sizeBytes, true);
    const answer = await this.#answer;
    if (answer.kind === 'digest') return answer.digest;
    const cause = new Error(answer.kind === 'failed' ? answer.message : 'it was aborted');
    throw new VelocityError('STORAGE_FAILED', 'A file could not be digested.', { cause });
  }

  #tell(upTo: number, isWhole: boolean): void {
    this.#toldBytes = upTo;
    this.#thread.send({ kind: 'read', id: this.#id, fd: this.#fd, upTo, isWhole });
  }
}
