import { VelocityError } from '../../base/errors.ts';
import { toFailure } from '../../storage/drivers/local/local-failure.ts';
import { BLOCK_BYTES } from './block-checksums.ts';
import type { BodyProgress } from './body-progress.ts';
import { CheckedBody } from './checked-body.ts';
import type { SharedFile } from './shared-file.ts';
import type { SpanSource } from './span-stream.ts';

export interface FollowedFile {
  /** Kept open for this follower; `undefined`: the writer is done with it, and it is opened anew when it is needed. */
  readonly file: SharedFile | undefined;
  readonly reopen: () => Promise<SharedFile | undefined>;
  /** Bytes are waited for that may not have been written out. */
  readonly onWait: () => void;
  /** The file is not what was written, or cannot be read. */
  readonly onError: (error: unknown) => Promise<void>;
}

/**
 * Reads a body while it is being written, out of its file, so that the slowest of several holds nobody up. A block that
 * is whole is checked as in any reading; of one that is still growing the bytes leave as they came in.
 */
export class Follower implements SpanSource {
  readonly #progress: BodyProgress;
  readonly #followed: FollowedFile;
  #body: CheckedBody | undefined;
  #isClosed = false;

  constructor(progress: BodyProgress, followed: FollowedFile) {
    this.#progress = progress;
    this.#followed = followed;
    if (followed.file !== undefined) this.#body = this.#bodyIn(followed.file);
  }

  async read(position: number, last: number): Promise<Buffer> {
    await this.#progress.until(position, this.#followed.onWait);
    if (this.#isClosed) throw closed();
    const body = this.#body ?? (await this.#reopen());
    try {
      const isWhole = this.#progress.checksumOf(Math.floor(position / BLOCK_BYTES)) !== undefined;
      return await (isWhole ? body.read(position, last) : this.#readGrowing(body, position, last));
    } catch (error) {
      await this.#followed.onError(error);
      throw toFailure('read a body that is being written', error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#body?.file.release();
    this.#body = undefined;
  }

  async #readGrowing({ file }: CheckedBody, position: number, last: number): Promise<Buffer> {
    const target = Buffer.allocUnsafe(Math.min(this.#progress.readableBytes, last + 1) - position);
    if ((await file.readInto(target, position)) < target.length) {
      throw new VelocityError('BODY_TRUNCATED', 'The body that is being written was cut short.');
    }
    return target;
  }

  async #reopen(): Promise<CheckedBody> {
    const file = await this.#followed.reopen();
    if (file === undefined) {
      throw new VelocityError('STORAGE_UNAVAILABLE', 'The body was not kept, or is gone again.');
    }
    if (this.#isClosed) {
      file.release();
      throw closed();
    }
    this.#body = this.#bodyIn(file);
    return this.#body;
  }

  #bodyIn(file: SharedFile): CheckedBody {
    return new CheckedBody(file, this.#progress.sizeBytes, (block) => this.#progress.checksumOf(block));
  }
}

/** Nobody hears it: the stream is gone. */
function closed(): Error {
  return new Error('The follower was closed while it waited.');
}
