const NEWLINE = 0x0a;

/** Cuts a task's output into lines and puts its name before each, so that tasks side by side can be told apart. */
export class LogLines {
  readonly #prefix: Buffer;
  readonly #write: (line: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(prefix: string, write: (line: Buffer) => void) {
    this.#prefix = Buffer.from(prefix);
    this.#write = write;
  }

  add(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole: Buffer[] = [];
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      whole.push(this.#prefix, rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
    if (whole.length > 0) this.#write(Buffer.concat(whole));
  }

  /** A last line without its end gets one. */
  end(): void {
    if (this.#rest.length > 0) this.#write(Buffer.concat([this.#prefix, this.#rest, Buffer.from('\n')]));
    this.#rest = Buffer.alloc(0);
  }
}
