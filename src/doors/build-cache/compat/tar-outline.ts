import { VelocityError } from '../../../base/errors.ts';

const BLOCK_BYTES = 512;
const OCTAL = /^[0-7]+$/;

/**
 * Follows an archive from header to header, in whatever pieces it comes, to see whether it ends as archives end: with
 * two blocks of zeros. Of what the entries are it asks nothing; bodies are passed over and nothing is kept.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export class TarOutline {
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #filled = 0;
  /** What is left of a body and its padding. */
  #passOver = 0;
  /** Of an entry whose header goes on in the next block, which is a list of a sparse file's parts (GNU): its body. */
  #continued: number | undefined;
  #zeroBlocks = 0;

  /** Whether the archive's end was seen; archives may be padded after it. */
  get isDone(): boolean {
    return this.#zeroBlocks === 2;
  }

  /** @throws VelocityError `BODY_DAMAGED` for a block that is no header where one must be */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.isDone; ) {
      if (this.#passOver > 0) {
        const passed = Math.min(this.#passOver, chunk.length - at);
        this.#passOver -= passed;
        at += passed;
        continue;
      }
      const part = chunk.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < BLOCK_BYTES) return;
      this.#filled = 0;
      this.#take(this.#block);
    }
  }

  #take(block: Buffer): void {
    if (this.#continued !== undefined) {
      if (block[504] === 0) this.#beginBody(this.#continued);
      return;
    }
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks > 0) throw notAnArchive('an entry follows its end');
    const sizeBytes = sizeIn(block);
    const isSparse = block[156] === 0x53; // 'S'
    if (isSparse && block[482] !== 0) this.#continued = sizeBytes;
    else this.#beginBody(sizeBytes);
  }

  #beginBody(sizeBytes: number): void {
    this.#continued = undefined;
    this.#passOver = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
}

function sizeIn(block: Buffer): number {
  if (sumOf(block) !== octalIn(block, 148, 8)) throw notAnArchive('a header’s checksum is wrong');
  if (block[124] !== 0x80) return octalIn(block, 124, 12);
  const size = Number(block.readBigUInt64BE(128)); // GNU's base 256: a big-endian number after the first bit
  if (block.readUInt32BE(124) !== 0x80000000 || !Number.isSafeInteger(size))
    throw notAnArchive('a size is beyond all bounds');
  return size;
}

/** The sum of all bytes, the checksum's own eight taken as blanks. */
function sumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK_BYTES; index++) if (index < 148 || index >= 156) sum += block[index] ?? 0;
  return sum;
}

function octalIn(block: Buffer, offset: number, length: number): number {
  const text = block
    .toString('latin1', offset, offset + length)
    .replace(/\0.*$/s, '')
    .trim();
  if (text === '') return 0;
  if (!OCTAL.test(text)) throw notAnArchive('a header’s number is not octal');
  return Number.parseInt(text, 8);
}

export function notAnArchive(what: string): VelocityError {
  return new VelocityError('BODY_DAMAGED', `The body is no whole gzip of a tar archive: ${what}.`);
}
