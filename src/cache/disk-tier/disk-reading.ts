import type { Readable, Writable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import { pumpBlocks, type SendingOptions } from '../../base/pump-blocks.ts';
import { toFailure } from '../../storage/drivers/local/local-failure.ts';
import type { CheckedBody } from './checked-body.ts';
import type { EntryRecord } from './entry-record.ts';
import { SpanStream, spanWithin } from './span-stream.ts';

/**
 * One look at an entry: it stays whole and as it was, though the entry is evicted, replaced or deleted meanwhile. Holds
 * a file open until its bytes were read, so it is either read, once, or closed.
 */
export class DiskReading<M> implements Disposable {
  readonly meta: M;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  readonly #onError: (error: unknown) => Promise<void>;
  #body: CheckedBody | undefined;

  /** @param onError told of what `bytes` and streams come upon; they fail when it has done what is to be done */
  constructor(record: EntryRecord<M>, body: CheckedBody, onError: (error: unknown) => Promise<void>) {
    this.meta = record.meta;
    this.sizeBytes = record.sizeBytes;
    this.storedAt = record.storedAt;
    this.#body = body;
    this.#onError = onError;
  }

  /**
   * Whether the block in which a span begins is sound, so that reading the span does not fail before its first byte.
   * `false`: it is damaged, and no entry any more, or could not be read; both are counted.
   */
  async begins(span: ByteSpan | 'whole'): Promise<boolean> {
    const { first, last } = spanWithin(span, this.sizeBytes);
    try {
      await this.#body?.read(first, last);
      return true;
    } catch (error) {
      await this.#onError(error);
      return false;
    }
  }

  /** All of the body. `undefined`: it is damaged, and no entry any more, or could not be read; both are counted. */
  async bytes(): Promise<Buffer | undefined> {
    const body = this.#take();
    try {
      return await body.readWhole();
    } catch (error) {
      await this.#onError(error);
      return undefined;
    } finally {
      body.file.release();
    }
  }

  /**
   * The body or a part of it, a block at a time. Fails before the first byte of a block that is damaged, with
   * `DIGEST_MISMATCH` or `BODY_TRUNCATED`, and where it cannot be read with `STORAGE_UNAVAILABLE`; both are counted.
   * @throws VelocityError `RANGE_UNSATISFIABLE` for a span that is not of this body
   */
  stream(span: ByteSpan | 'whole'): Readable {
    const within = spanWithin(span, this.sizeBytes);
    const body = this.#take();
    const read = async (position: number, last: number): Promise<Buffer> => {
      try {
        return await body.read(position, last);
      } catch (error) {
        await this.#onError(error);
        throw toFailure('read a kept body', error);
      }
    };
    return new SpanStream({ read, close: () => body.file.release() }, within);
  }

  /**
   * Sends the body or a part of it, as `stream` reads it, at half the cost for a large one, and leaves the sink open.
   * Resolves when all has gone, or the sink was closed; rejects where `stream` would fail.
   */
  async sendTo(sink: Writable, span: ByteSpan | 'whole', options?: SendingOptions): Promise<void> {
    const within = spanWithin(span, this.sizeBytes);
    const body = this.#take();
    const read = (page: Buffer, position: number, last: number): Promise<Buffer> =>
      body.readWith((bytes) => page.subarray(0, bytes), position, last);
    try {
      await pumpBlocks(read, sink, within, options);
    } catch (error) {
      this.#onError(error);
      throw toFailure('read a kept body', error);
    } finally {
      body.file.release();
    }
  }

  /** For a reading that is not used; of one that is it does nothing. */
  close(): void {
    this.#body?.file.release();
    this.#body = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(): CheckedBody {
    const body = this.#body;
    if (body === undefined) throw new Error('unreachable: a reading is used once');
    this.#body = undefined;
    return body;
  }
}
