import { crc32 } from 'node:zlib';

/** What is verified at once, and so what is held in memory of a body that is read. */
export const BLOCK_BYTES = 256 * 1024;

/** How many blocks a body has; only its last one may be shorter. */
export function blockCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}

/** The CRC-32 of each block of a body, in order. They find what a disk or a crash did to it, not what an enemy did. */
export class BlockChecksums {
  readonly #complete: number[] = [];
  #checksum = 0;
  #bytes = 0;

  /** Of all that came. */
  get bytes(): number {
    return this.#bytes;
  }

  update(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const part = rest.subarray(0, BLOCK_BYTES - (this.#bytes % BLOCK_BYTES));
      this.#checksum = crc32(part, this.#checksum);
      this.#bytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#bytes % BLOCK_BYTES === 0) this.#completeBlock();
    }
  }

  /** After the last chunk: closes the last block. */
  finish(): readonly number[] {
    if (this.#bytes % BLOCK_BYTES !== 0) this.#completeBlock();
    return this.#complete;
  }

  /** `undefined`: the block is not whole yet. */
  of(block: number): number | undefined {
    return this.#complete[block];
  }

  #completeBlock(): void {
    this.#complete.push(this.#checksum);
    this.#checksum = 0;
  }
}
