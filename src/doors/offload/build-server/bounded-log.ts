/** What a command prints, of which the beginning and the end are kept: causes stand at the one, failures at the other. */
export class BoundedLog {
  readonly #half: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #leftOut = 0;

  /** @param maxBytes that are kept, in memory too; a note on what is left out comes on top */
  constructor(maxBytes: number) {
    this.#half = Math.ceil(maxBytes / 2);
  }

  add(chunk: Buffer): void {
    const room = this.#half - this.#headBytes;
    if (room > 0) this.#addHead(chunk.subarray(0, room));
    if (chunk.length > room) this.#addTail(chunk.subarray(Math.max(0, room)));
  }

  read(): Buffer {
    const note = `\n[velocity: ${this.#leftOut} bytes of the log are left out here]\n`;
    const between = this.#leftOut > 0 ? [Buffer.from(note)] : [];
    return Buffer.concat([...this.#head, ...between, ...this.#tail]);
  }

  /** The last lines, whole ones where there is more than fits. */
  end(maxBytes: number): string {
    return endOf(this.read(), maxBytes);
  }

  #addHead(chunk: Buffer): void {
    // A copy: a part of a pipe's buffer would hold all of it.
    this.#head.push(Buffer.from(chunk));
    this.#headBytes += chunk.length;
  }

  #addTail(chunk: Buffer): void {
    this.#tail.push(Buffer.from(chunk));
    this.#tailBytes += chunk.length;
    this.#drop();
    if (this.#tail.length > MAX_CHUNKS) this.#tail = [Buffer.concat(this.#tail)];
  }

  /** What is beyond the half, from its beginning. */
  #drop(): void {
    let over = this.#tailBytes - this.#half;
    while (over > 0) {
      const [first] = this.#tail;
      if (first === undefined) return;
      const dropped = Math.min(over, first.length);
      if (dropped === first.length) this.#tail.shift();
      else this.#tail[0] = first.subarray(dropped);
      over -= dropped;
      this.#tailBytes -= dropped;
      this.#leftOut += dropped;
    }
  }
}

/** A command that prints byte by byte must not cost an object for each. */
const MAX_CHUNKS = 1024;

/** The end of a log as text, from the beginning of a line where there is one. */
export function endOf(log: Buffer, maxBytes: number): string {
  if (log.length <= maxBytes) return log.toString('utf8');
  const end = log.subarray(log.length - maxBytes);
  return end.subarray(end.indexOf(0x0a) + 1).toString('utf8');
}
