import { ANY_REQUEST_ID, putRequestId } from './request-id.ts';

const FIRST_LINES = 'HTTP/1.1 200 OK\r\nx-request-id: ';

/** The head of a 200 as it goes out, but for the request's id and what the server says of the moment and the connection. */
export class AnswerHead {
  readonly #bytes: Buffer;

  /** @param fields flat */
  constructor(fields: readonly string[]) {
    let lines = `${FIRST_LINES}${ANY_REQUEST_ID}\r\n`;
    for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
    // Of its own: a small one of the shared pool would keep all of its neighbours' memory.
    this.#bytes = Buffer.allocUnsafeSlow(lines.length);
    this.#bytes.write(lines, 'latin1');
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Writes it to the beginning of `target`, with a request's id. */
  putInto(target: Uint8Array, requestNumber: number): void {
    target.set(this.#bytes, 0);
    this.putIdInto(target, requestNumber);
  }

  /** Where it was written before. */
  putIdInto(target: Uint8Array, requestNumber: number): void {
    putRequestId(requestNumber, target, FIRST_LINES.length);
  }
}
