const NEWLINE = 0x0a;

/** A line that grows longer, be it binary data or a progress bar, is written as it comes: its end may be far away. */
export const LONGEST_KEPT_BYTES = 64 * 1024;

/**
 * Cuts a task's output into lines and puts its name before each, so that tasks side by side can be told apart.
 * Each byte is looked at once, however the output is cut.
 */
export class LogLines {
  readonly #prefix: Buffer;
  readonly #write: (line: Buffer) => void;
  /** What came of the line under way and was not written. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** The line under way was too long to be kept: its prefix and its beginning are written. */
  #isBegun = false;

  constructor(prefix: string, write: (line: Buffer) => void) {
    this.#prefix = Buffer.from(prefix);
    this.#write = write;
  }

  add(chunk: Buffer): void {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      pieces.push(...this.#takeRest(), chunk.subarray(from, end + 1));
      this.#isBegun = false;
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(from === 0 ? chunk : chunk.subarray(from));
    if (this.#restBytes > LONGEST_KEPT_BYTES) {
      pieces.push(...this.#takeRest());
      this.#isBegun = true;
    }
    if (pieces.length > 0) this.#write(Buffer.concat(pieces));
  }

  /** A last line without its end gets one. */
  end(): void {
    if (this.#restBytes > 0 || this.#isBegun)
      this.#write(Buffer.concat([...this.#takeRest(), Buffer.from('\n')]));
    this.#isBegun = false;
  }

  #keep(chunk: Buffer): void {
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
  }

  #takeRest(): Buffer[] {
    const rest = this.#isBegun ? this.#rest : [this.#prefix, ...this.#rest];
    [this.#rest, this.#restBytes] = [[], 0];
    return rest;
  }
}
