import { crc32 } from 'node:zlib';
import { VelocityError } from '../../base/errors.ts';
import { BLOCK_BYTES, blockCount } from './block-checksums.ts';
import type { SharedFile } from './shared-file.ts';
import type { TrustedBlocks } from './trusted-blocks.ts';

/** The bytes of a body in a file, of which none leaves before its block was right. */
export class CheckedBody {
  readonly file: SharedFile;
  readonly #sizeBytes: number;
  readonly #checksumOf: (block: number) => number | undefined;
  readonly #trusted: TrustedBlocks | undefined;

  /** @param trusted blocks that need no check now; told of those that were found right */
  constructor(
    file: SharedFile,
    sizeBytes: number,
    checksumOf: (block: number) => number | undefined,
    trusted?: TrustedBlocks | undefined,
  ) {
    this.file = file;
    this.#sizeBytes = sizeBytes;
    this.#checksumOf = checksumOf;
    this.#trusted = trusted;
  }

  /**
   * From `position` to the end of its block, or to `last` if that comes before.
   * @throws VelocityError `DIGEST_MISMATCH` or `BODY_TRUNCATED`: damaged; else the system's errors
   */
  async read(position: number, last: number): Promise<Buffer> {
    return this.readWith((bytes) => Buffer.allocUnsafe(bytes), position, last);
  }

  /** Likewise into memory that `take` gives for a block of so many bytes. */
  async readWith(take: (bytes: number) => Buffer, position: number, last: number): Promise<Buffer> {
    const block = Math.floor(position / BLOCK_BYTES);
    const start = block * BLOCK_BYTES;
    const target = take(Math.min(BLOCK_BYTES, this.#sizeBytes - start));
    await this.#readBlock(block, target);
    return target.subarray(position - start, last + 1 - start);
  }

  /** Throws as `read` does. */
  async readWhole(): Promise<Buffer> {
    const whole = Buffer.allocUnsafe(this.#sizeBytes);
    for (let block = 0; block < blockCount(this.#sizeBytes); block++) {
      await this.#readBlock(block, whole.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    }
    return whole;
  }

  async #readBlock(block: number, target: Buffer): Promise<void> {
    const bytes = await this.file.readInto(target, block * BLOCK_BYTES);
    if (bytes < target.length) {
      throw new VelocityError('BODY_TRUNCATED', 'The kept body ends before its length; it was removed.');
    }
    if (this.#trusted?.has(block)) return;
    if (crc32(target) !== this.#checksumOf(block)) {
      throw new VelocityError('DIGEST_MISMATCH', 'The kept body is damaged; it was removed.');
    }
    this.#trusted?.add(block);
  }
}
