import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileBody } from '../../../http/response-interceptor.ts';
import { taken } from '../../../http/transfer.ts';
import { type Fields, fieldLines } from '../../../http-cache/fields.ts';
import { isBodiless, type Proxied } from './forwarding.ts';
import { pairs } from './send-body.ts';

/** `aborted`: the client was gone before all of the answer was, or the origin was and the client has been told so. */
export type Forwarded = 'whole' | 'aborted';

export interface AnswerToSend {
  readonly status: number;
  readonly reason: string;
  /** End-to-end, with a Content-Length where the length is known. */
  readonly fields: Fields;
  /** Bytes, where they are in memory: they are sent in one piece. */
  readonly body: Readable | Uint8Array;
  /** Those that may be sent after a body in chunks; read when it has ended. */
  readonly trailers?: { readonly names: readonly string[]; read(): Fields } | undefined;
}

/** Sends an answer whose body comes. Never rejects: what breaks off is cut off. */
export async function sendAnswer(
  { status, reason, fields, body, trailers }: AnswerToSend,
  { admitted, response }: Pick<Proxied, 'admitted' | 'response'>,
): Promise<Forwarded> {
  const isEmpty = isBodiless(admitted.method, status);
  const isCounted = fieldLines(fields, 'content-length').length > 0;
  const isChunked = !isEmpty && !isCounted && admitted.version !== '1.0';
  const announced = isChunked && trailers && trailers.names.length > 0 ? trailers : undefined;
  const head = announced ? fields.concat('Trailer', announced.names.join(', ')) : fields;
  const stream = body instanceof Uint8Array ? undefined : body;
  // Where the connection's end is the body's, only a reset tells that it is not.
  if (!isEmpty && !isCounted && !isChunked) stream?.once('error', () => response.socket?.resetAndDestroy());
  try {
    response.writeHead(status, reason, head as string[]);
    if (isEmpty) {
      stream?.resume();
      response.end();
      return 'whole';
    }
    if (stream) {
      // A head that is followed by nothing for a while goes by itself; else it goes with the first of the body.
      setImmediate(() => response.flushHeaders());
      await pipeline(stream, response, { end: false });
    }
    if (announced) response.addTrailers(pairs(announced.read()));
    response.end(stream ? undefined : body);
    if (stream) return 'whole';
    await taken(response);
    return response.destroyed && !response.writableFinished ? 'aborted' : 'whole';
  } catch {
    stream?.destroy();
    response.destroy();
    return 'aborted';
  }
}

/** Likewise of a body that lies in a file, of known length. */
export async function sendFileAnswer(
  { status, reason, fields, body }: Omit<AnswerToSend, 'body'> & { readonly body: FileBody },
  { admitted, response }: Pick<Proxied, 'admitted' | 'response'>,
): Promise<Forwarded> {
  if (admitted.version === '2.0')
    return sendAnswer({ status, reason, fields, body: body.stream() }, { admitted, response });
  try {
    response.writeHead(status, reason, fields as string[]);
    await body.sendTo(response);
    if (response.destroyed) return 'aborted';
    response.end();
    return 'whole';
  } catch {
    body.close(); // where it was the head that failed
    response.destroy();
    return 'aborted';
  }
}
