import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { fieldLine, SENDABLE } from '../base/field-syntax.ts';
import type { CountedAnswer } from './counted-response.ts';
import type { LastFields } from './last-fields.ts';
import { ONE_PIECE_BYTES, type SendBuffer, whenTaken } from './send-buffer.ts';
import type { SimpleMessage } from './simple-message.ts';

/** What all answers of a server are written by. */
export interface AnswerWriting {
  readonly buffer: SendBuffer;
  readonly lastFields: LastFields;
}

const LAST_CHUNK = '0\r\n\r\n';
const NOTHING = Buffer.alloc(0);

/**
 * An answer to a simple request in the form of Node's `ServerResponse`, as far as ours use that, and byte for byte what Node
 * would send. Its head has to be written before anything else.
 */
export class SimpleResponse extends Writable implements CountedAnswer {
  readonly req: SimpleMessage;
  readonly socket: Socket;
  statusCode = 200;
  requestId: string | undefined;
  /** `false`: the connection ends with this answer. */
  shouldKeepAlive = true;
  readonly #writing: AnswerWriting;
  /** Until it is sent. */
  #head: string | undefined;
  #headersSent = false;
  #isChunked = false;
  #hasBody: boolean;
  #sentBytes = 0;

  constructor(req: SimpleMessage, writing: AnswerWriting) {
    super();
    this.req = req;
    this.socket = req.socket;
    this.#writing = writing;
    this.#hasBody = req.method !== 'HEAD';
    this.on('error', () => {}); // `close` follows
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  /**
   * @param fields flat
   * @throws TypeError where a name or a value cannot be sent
   */
  writeHead(status: number, reason?: string | readonly string[], fields?: readonly string[]): this {
    if (this.#headersSent) throw new Error('the head has been sent');
    const given = fields ?? (typeof reason === 'string' ? [] : (reason ?? []));
    const text = typeof reason === 'string' ? reason : (STATUS_CODES[status] ?? 'unknown');
    if (!SENDABLE.test(text)) throw new TypeError('the reason cannot be sent');
    let head = `HTTP/1.1 ${status} ${text}\r\n`;
    let [isCounted, hasDate, isNamed] = [false, false, this.requestId === undefined];
    for (let at = 0; at < given.length; at += 2) {
      const [name = '', value = ''] = [given[at], given[at + 1]];
      head += line(name, value);
      switch (name.length) {
        case 4:
          hasDate ||= name.toLowerCase() === 'date';
          break;
        case 12:
          isNamed ||= name.toLowerCase() === 'x-request-id';
          break;
        case 14:
          isCounted ||= name.toLowerCase() === 'content-length';
      }
    }
    if (!isNamed) head += `x-request-id: ${this.requestId}\r\n`;
    this.statusCode = status;
    this.#hasBody &&= status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !isCounted;
    this.#head = head + this.#lastLines(hasDate);
    this.#headersSent = true;
    return this;
  }

  flushHeaders(): void {
    if (this.#head !== undefined) this.#send(this.#takeHead(), NOTHING, '', () => {});
  }

  writeInformation(status: number, fields: readonly string[]): void {
    if (this.#headersSent || !this.socket.writable) return;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    for (let at = 0; at < fields.length; at += 2) head += line(fields[at] ?? '', fields[at + 1] ?? '');
    this.socket.write(`${head}\r\n`, 'latin1');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (!this.#hasBody || chunk.length === 0) {
      callback();
      return;
    }
    this.#sentBytes += chunk.length;
    const before = this.#takeHead() + (this.#isChunked ? `${chunk.length.toString(16)}\r\n` : '');
    this.#send(before, chunk, this.#isChunked ? '\r\n' : '', callback);
  }

  override _final(callback: () => void): void {
    const rest = this.#takeHead() + (this.#isChunked ? LAST_CHUNK : '');
    if (rest === '') callback();
    else this.#send(rest, NOTHING, '', callback);
  }

  /** What broke off is cut off. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.writableFinished) this.socket.destroy();
    callback(error);
  }

  #lastLines(hasDate: boolean): string {
    const { text, closing } = this.#writing.lastFields.at(hasDate);
    const last = this.shouldKeepAlive ? text : closing;
    return this.#isChunked ? `${last}Transfer-Encoding: chunked\r\n\r\n` : `${last}\r\n`;
  }

  #takeHead(): string {
    const head = this.#head ?? '';
    this.#head = undefined;
    return head;
  }

  /** In one piece, where that is not too large. @param onTaken where the system has all of it */
  #send(before: string, chunk: Buffer, after: string, onTaken: () => void): void {
    const { socket } = this;
    if (!socket.writable) {
      this.destroy();
      return;
    }
    if (chunk.length > ONE_PIECE_BYTES) {
      socket.cork();
      if (before !== '') socket.write(before, 'latin1');
      if (chunk.length > 0) socket.write(chunk);
      if (after !== '') socket.write(after, 'latin1');
      socket.uncork();
    } else {
      this.#writing.buffer.send(socket, before.length + chunk.length + after.length, (target) => {
        target.write(before, 'latin1');
        target.set(chunk, before.length);
        target.write(after, before.length + chunk.length, 'latin1');
      });
    }
    if (socket.writableLength === 0 && !socket.destroyed) onTaken();
    else whenTaken(socket, (error) => (error ? this.destroy() : onTaken()));
  }
}

function line(name: string, value: string): string {
  const sent = fieldLine(name, value);
  if (sent === undefined) throw new TypeError(`the field ${name} cannot be sent`);
  return sent;
}
