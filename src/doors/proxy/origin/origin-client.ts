import type { Duplex, Readable } from 'node:stream';
import type { Cancellation } from '../../../base/cancellation.ts';
import type { Fields } from '../../../http-cache/fields.ts';

export interface OriginRequest {
  readonly method: string;
  /** In origin-form, or `*`. RFC 9112 §3.2. */
  readonly target: string;
  /**
   * End-to-end fields with exactly one Host. Content-Length, if the body's length is known, is the only one about framing;
   * Connection, Transfer-Encoding and the like are the client's own business.
   */
  readonly fields: Fields;
  /** Left to its owner: it is paused and let go, never destroyed. */
  readonly body?: Readable;
  /** Asked once the body has ended; of no use with a Content-Length. */
  readonly trailers?: () => Fields;
  /** Whether trailers of the answer are of use: it says so to the origin. */
  readonly takesTrailers?: boolean;
}

export interface OriginHooks {
  /** Ends the exchange and its connection; the failure is the signal's reason. */
  readonly signal?: Cancellation;
  /** Told of each 1xx answer but 101, and of 100 only where nobody asked for it by Expect. */
  readonly onInterim?: (status: number, fields: Fields) => void;
}

export interface OriginResponse {
  readonly kind: 'answer';
  readonly status: number;
  readonly reason: string;
  /** Of its HTTP. */
  readonly version: string;
  /** As they came, hop-by-hop fields and all; framing among them is well-formed. */
  readonly fields: Fields;
  /**
   * Ends only where the answer is whole, else fails with an `OriginError`. Whoever does not read it to its end must
   * destroy it, which closes the connection.
   */
  readonly body: Readable;
  /** The same, in memory of its own, where all of it came with the head: then nothing has to be read, nor destroyed. */
  readonly bytes?: Uint8Array | undefined;
  /** Empty until the body has ended. */
  trailers(): Fields;
  /** Whether the connection had served another request before. */
  readonly isReused: boolean;
}

/** The origin speaks another protocol from here on (101), and so does whoever has the socket. */
export interface SwitchedProtocol {
  readonly kind: 'switched';
  readonly fields: Fields;
  readonly socket: Duplex;
  /** What came of the new protocol with the answer. */
  readonly head: Buffer;
}

/** Sends requests to one origin. Redirects are answers: nothing is followed. Failures are `OriginError`s. */
export interface OriginClient {
  send(request: OriginRequest, hooks?: OriginHooks): Promise<OriginResponse>;
  /** @param protocol for the Upgrade field, such as `websocket`; a 101 that names another is malformed */
  upgrade(
    request: Omit<OriginRequest, 'body' | 'trailers'>,
    protocol: string,
    hooks?: OriginHooks,
  ): Promise<OriginResponse | SwitchedProtocol>;
  /** Closes all connections, those in use too. */
  close(): void;
}
