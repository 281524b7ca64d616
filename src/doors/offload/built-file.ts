import type { FileHandle } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import type { Digest } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import { pumpBlocks } from '../../base/pump-blocks.ts';
import { BLOCK_BYTES } from '../../cache/disk-tier/block-checksums.ts';
import { SpanStream, spanWithin } from '../../cache/disk-tier/span-stream.ts';
import type { Binary } from './binary.ts';

/** A file that was built, open: it can be read though the build server removes it. Closed when the last user is done. */
export class BuiltFile {
  readonly key: Digest;
  readonly sizeBytes: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly builtAt: number;
  readonly #file: FileHandle;
  #users = 1;

  private constructor(key: Digest, file: FileHandle, sizeBytes: number, builtAt: number) {
    this.key = key;
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.builtAt = builtAt;
  }

  /** Takes the file over. @throws VelocityError `BUILD_EMPTY` */
  static async of(key: Digest, file: FileHandle): Promise<BuiltFile> {
    const { size, mtimeMs } = await file.stat();
    if (size > 0) return new BuiltFile(key, file, size, Math.trunc(mtimeMs));
    await file.close();
    throw new VelocityError('BUILD_EMPTY', 'The build server was done with an empty file.');
  }

  /** For one more user, any number of whom read at once. */
  share(): Binary {
    this.#users++;
    let isDone = false;
    const close = (): void => {
      if (!isDone) this.release();
      isDone = true;
    };
    return {
      key: this.key,
      sizeBytes: this.sizeBytes,
      builtAt: this.builtAt,
      stream: (span) => this.#stream(spanWithin(span, this.sizeBytes), close),
      sendTo: (sink, span) => this.#sendTo(sink, spanWithin(span, this.sizeBytes)).finally(close),
      begins: async () => true,
      close,
    };
  }

  /** Fills `target` from `position` on, or as much of it as the file has. */
  async readInto(target: Buffer, position: number): Promise<Buffer> {
    const { bytesRead } = await this.#file.read(target, 0, target.length, position);
    if (bytesRead > 0) return target.subarray(0, bytesRead);
    throw new VelocityError('BODY_TRUNCATED', 'The binary became shorter while it was read.');
  }

  /** Whether nobody has written to it since it was opened, as far as its time tells. */
  async isUnchanged(): Promise<boolean> {
    const { size, mtimeMs } = await this.#file.stat();
    return size === this.sizeBytes && Math.trunc(mtimeMs) === this.builtAt;
  }

  release(): void {
    if (--this.#users === 0) this.#file.close().catch(() => {}); // it was only read
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #sendTo(sink: Writable, span: ByteSpan): Promise<void> {
    const read = (page: Buffer, position: number, last: number): Promise<Buffer> =>
      this.readInto(page.subarray(0, Math.min(page.length, last + 1 - position)), position);
    return pumpBlocks(read, sink, span);
  }

  #stream(span: ByteSpan, close: () => void): Readable {
    const read = (position: number, last: number): Promise<Buffer> =>
      this.readInto(Buffer.allocUnsafe(Math.min(BLOCK_BYTES, last + 1 - position)), position);
    return new SpanStream({ read, close }, span);
  }
}
