import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

const EMPTY = Buffer.alloc(0);

/** The body of an answer that came with its head, where that was all of it: once what came has been parsed, and before anybody reads. */
export function cameWhole(message: IncomingMessage): Buffer | undefined {
  return message.complete ? ((message.read() as Buffer | null) ?? EMPTY) : undefined;
}

/** A body that is here already, for those who want a stream. */
export class WholeBody extends Readable {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super();
    this.#bytes = bytes;
  }

  override _read(): void {
    if (this.#bytes.length > 0) this.push(this.#bytes);
    this.push(null);
  }
}
