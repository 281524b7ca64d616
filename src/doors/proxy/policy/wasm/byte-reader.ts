import { moduleRefusal } from './module-refusal.ts';

const LONGEST_LEB_BYTES = 10; // 64 bits, seven in a byte

/** Reads the binary format of WebAssembly, front to back. Throws `POLICY_INVALID` where it ends too soon. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw moduleRefusal('the module ends in the middle of something');
    return byte;
  }

  /** LEB128, unsigned, up to 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw moduleRefusal('a number of the module has more than 32 bits');
  }

  /** Passes over a number whose value does not matter, signed or not. */
  skipLeb(): void {
    for (let read = 0; read < LONGEST_LEB_BYTES; read++) if (this.byte() < 0x80) return;
    throw moduleRefusal('a number of the module has more than 64 bits');
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length)
      throw moduleRefusal('the module ends in the middle of something');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.at);
  }
}
