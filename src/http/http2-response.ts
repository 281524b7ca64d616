import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Writable } from 'node:stream';
import type { CountedAnswer } from './counted-response.ts';
import { type FlatFields, fromFlatFields } from './http2-fields.ts';

/**
 * An answer of HTTP/2 in the form of Node's `ServerResponse`, as far as ours use that. Node's own (its compatibility API) is
 * no `Writable`, and tells of an answer that was cut off as of one that was finished.
 */
export class Http2Response<Message> extends Writable implements CountedAnswer {
  readonly req: Message;
  readonly socket = null;
  statusCode = 200;
  requestId: string | undefined;
  /** Means nothing: a stream ends with its answer. */
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  readonly #preset = new Map<string, string>();
  #trailers: OutgoingHttpHeaders = {};
  #sentBytes = 0;

  constructor(stream: ServerHttp2Stream, req: Message) {
    super();
    this.#stream = stream;
    this.req = req;
    this.on('error', () => {});
    stream.once('wantTrailers', () => stream.sendTrailers(this.#trailers));
    stream.once('close', () => {
      if (!this.writableFinished) this.destroy();
    });
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  setHeader(name: string, value: string | number): this {
    this.#preset.set(name.toLowerCase(), String(value));
    return this;
  }

  /** @param reason is not sent: there are none in HTTP/2 */
  writeHead(status: number, reason?: string | FlatFields, fields?: FlatFields): this {
    if (this.#stream.closed) return this;
    const given = fromFlatFields(fields ?? (typeof reason === 'string' ? [] : (reason ?? [])));
    this.statusCode = status;
    const preset = Object.fromEntries(this.#preset);
    const named = this.requestId === undefined ? {} : { 'x-request-id': this.requestId };
    this.#stream.respond({ ...preset, ...named, ...given, ':status': status }, { waitForTrailers: true });
    return this;
  }

  flushHeaders(): void {
    if (!this.headersSent) this.writeHead(this.statusCode);
  }

  writeInformation(status: number, fields: FlatFields): void {
    if (this.headersSent || this.#stream.closed) return;
    this.#stream.additionalHeaders({ ...fromFlatFields(fields), ':status': status });
  }

  addTrailers(pairs: readonly (readonly [string, string])[]): void {
    this.#trailers = fromFlatFields(pairs.flat());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.flushHeaders();
    this.#sentBytes += chunk.length;
    if (this.#isOver) callback();
    else this.#stream.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.flushHeaders();
    if (this.#isOver) callback();
    else this.#stream.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#stream.closed && !this.writableFinished) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    callback(error);
  }

  /** An answer to HEAD, and one whose status has no body, ends with its head. */
  get #isOver(): boolean {
    return this.#stream.writableEnded || this.#stream.closed;
  }
}
