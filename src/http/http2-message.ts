import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { type FlatFields, toFlatFields } from './http2-fields.ts';

/**
 * A request of HTTP/2 in the form of Node's `IncomingMessage`, as far as ours read that: what HTTP/1.1 would have said with
 * the same meaning. So whoever judges requests judges these in the same way.
 */
export class Http2Message extends Readable {
  readonly method: string;
  readonly url: string;
  /** For those who ask whether it is one of HTTP/1. */
  readonly httpVersion = '1.1';
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: FlatFields;
  rawTrailers: FlatFields = [];
  /** Of its own: what is said of this connection is said of one request alone. */
  readonly socket: { readonly remoteAddress: string | undefined; readonly encrypted: true };
  readonly #stream: ServerHttp2Stream;
  #isAsked: boolean;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: FlatFields) {
    super();
    this.#stream = stream;
    this.method = headers[':method'] ?? '';
    this.url = headers[':path'] ?? '';
    this.headers = headers;
    this.rawHeaders = toFlatFields(headers, rawHeaders, stream.endAfterHeaders);
    this.socket = { remoteAddress: stream.session?.socket.remoteAddress, encrypted: true };
    this.#isAsked = headers.expect === undefined;
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.on('trailers', (_trailers, _flags, raw: FlatFields = []) => {
      this.rawTrailers = raw;
    });
    stream.once('end', () => this.push(null));
    stream.once('close', () => {
      if (!stream.readableEnded) this.destroy(new Error('the client is gone'));
    });
    stream.on('error', () => {}); // `close` follows
    // Node keeps a stream until its end was read, and nobody reads a body that is none.
    if (stream.endAfterHeaders) stream.resume();
    else stream.pause();
    this.on('error', () => {});
  }

  get complete(): boolean {
    return this.#stream.endAfterHeaders || this.#stream.readableEnded;
  }

  override _read(): void {
    // Whoever waits to be told to send its body is told when that is first read (RFC 9110 §10.1.1).
    if (!this.#isAsked && !this.#stream.headersSent && !this.#stream.closed)
      this.#stream.additionalHeaders({ ':status': 100 });
    this.#isAsked = true;
    this.#stream.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.complete) this.#stream.destroy();
    callback(error);
  }
}
