import type { IncomingHttpHeaders } from 'node:http';
import { Readable, type Writable } from 'node:stream';

/** The head of an origin's response. */
export interface InterceptedHead {
  readonly status: number;
  /** Name, value, name, value, as they came; what is about the connection to the origin may be among them. */
  readonly fields: readonly string[];
}

/** What the client asked for. */
export interface InterceptedRequest {
  readonly method: string;
  /** By names in lower case, as `node:http` gives them. */
  readonly headers: IncomingHttpHeaders;
}

/** A body that lies in a file: it is read or sent, once, or closed. What fails has been cut short, and so must the answer be. */
export interface FileBody {
  stream(): Readable;
  /**
   * Costs half of what a stream does, and leaves the sink open. The sink has let go of what it was given when it says so, as
   * those of HTTP/1 do. Resolves when all has gone, or the sink was closed.
   */
  sendTo(sink: Writable): Promise<void>;
  /** Of one that is read or sent it does nothing. */
  close(): void;
}

/** What the client gets in place of the origin's response. */
export interface InterceptedAnswer {
  readonly status: number;
  /** Flat; end to end, with the body's Content-Length where there is one. */
  readonly fields: readonly string[];
  /** A stream must be read or destroyed; one that fails has been cut short, and so must the answer be. `undefined`: there is none. */
  readonly body: Readable | FileBody | undefined;
  /** How it came about, in a word or two for logs: `binary-cached`. */
  readonly detail?: string | undefined;
}

/**
 * Answers in place of an origin. Who stands before origins asks each interceptor of each response, before it keeps or
 * sends any of it; what an interceptor takes is not cached.
 */
export interface ResponseInterceptor {
  /** By the head alone, and quickly: it is asked of every response. @param method of the request */
  takes(method: string, head: InterceptedHead): boolean;
  /**
   * @param body of the origin's response; read to its end or destroyed before anything else is waited for, so that the
   *   origin is done
   * @param signal the client has left
   * @throws VelocityError what the client is to be told; the signal's reason
   */
  answer(
    request: InterceptedRequest,
    head: InterceptedHead,
    body: Readable,
    signal: AbortSignal,
  ): Promise<InterceptedAnswer>;
}

/** The body as a stream. */
export function streamOf(body: Readable | FileBody): Readable {
  return body instanceof Readable ? body : body.stream();
}

/** For one that nobody is sent. */
export function dropBody(body: Readable | FileBody | undefined): void {
  if (body instanceof Readable) body.destroy();
  else body?.close();
}
