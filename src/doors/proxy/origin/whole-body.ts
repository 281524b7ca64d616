import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

const EMPTY = new Uint8Array();

/** The body of an answer that came with its head, where that was all of it: once what came has been parsed, and before anybody reads. */
export function cameWhole(message: IncomingMessage): Uint8Array | undefined {
  return message.complete ? ownBytes((message.read() as Buffer | null) ?? EMPTY) : undefined;
}

/** The same in memory of their own: what else came on a connection is not to be kept with them. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return EMPTY;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** A body that is here already, for those who want a stream. */
export class WholeBody extends Readable {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  override _read(): void {
    if (this.#bytes.length > 0) this.push(this.#bytes);
    this.push(null);
  }
}
