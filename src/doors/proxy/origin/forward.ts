import { pipeline } from 'node:stream/promises';
import { drainRest } from '../../../http/transfer.ts';
import { type Fields, fieldLines, withoutFields } from '../../../http-cache/fields.ts';
import {
  type ForwardOptions,
  fieldsToClient,
  isBodiless,
  type Proxied,
  requestToOrigin,
  takesTrailers,
} from './forwarding.ts';
import type { OriginClient, OriginResponse } from './origin-client.ts';
import { pairs } from './send-body.ts';
import { admittedTrailers, announcedTrailers } from './trailers.ts';

/** `aborted`: the client was gone before all of the answer was, or the origin was and the client has been told so. */
export type Forwarded = 'whole' | 'aborted';

/**
 * Sends a client's request on and its answer back, both as they come. Rejects with the `OriginError` while the client has
 * been told nothing, so that the caller answers; after that a failure cuts the client's connection, which is how
 * it learns of it.
 */
export async function forward(
  proxied: Proxied,
  origin: OriginClient,
  options: ForwardOptions,
): Promise<Forwarded> {
  const { message, response } = proxied;
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new Error('the client is gone'));
  response.once('close', onClose);
  if (response.destroyed) onClose();
  try {
    const onInterim = interimsTo(proxied, options);
    const answer = await origin.send(requestToOrigin(proxied, options), { signal: gone.signal, onInterim });
    return await relayAnswer(answer, proxied, options);
  } catch (error) {
    // A client that leaves while it sends is found out by its body first.
    if (gone.signal.aborted || (message.destroyed && !message.complete)) return 'aborted';
    throw error;
  } finally {
    response.off('close', onClose);
    if (!message.complete && !message.destroyed) drainRest(message);
  }
}

/** Passes interim answers on as they come. RFC 9110 §15.2; a client of HTTP/1.0 knows none. */
export function interimsTo(
  { admitted, response }: Proxied,
  { endToEnd }: ForwardOptions,
): (status: number, fields: Fields) => void {
  return (status, fields) => {
    // 100 is said to who asked for it, when its body is read.
    if (status === 100 || admitted.version === '1.0' || response.headersSent || response.destroyed) return;
    // Since Node 24.18; before it hints are left out, which nobody may rely on.
    response.writeInformation?.(status, [...withoutFields(endToEnd(fields), LENGTH)]);
  };
}

/** Not in an interim answer, not even as 0, which origins are let write. RFC 9110 §8.6. */
const LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** Sends an answer to the client. Never rejects: what breaks off is cut off. */
export async function relayAnswer(
  answer: OriginResponse,
  proxied: Proxied,
  options: ForwardOptions,
): Promise<Forwarded> {
  const { admitted, response } = proxied;
  const { status, reason, body } = answer;
  const fields = [...fieldsToClient(answer, options)];
  const isEmpty = isBodiless(admitted.method, status);
  const isCounted = fieldLines(fields, 'content-length').length > 0;
  const isChunked = !isEmpty && !isCounted && admitted.version === '1.1';
  const announced = isChunked && takesTrailers(admitted) ? announcedTrailers(answer.fields) : [];
  if (announced.length > 0) fields.push('Trailer', announced.join(', '));
  // Where the connection's end is the body's, only a reset tells that it is not.
  if (!isEmpty && !isCounted && !isChunked) body.once('error', () => response.socket?.resetAndDestroy());
  try {
    response.writeHead(status, reason, fields);
    if (isEmpty) {
      body.resume();
      response.end();
      return 'whole';
    }
    // A head that is followed by nothing for a while goes by itself; else it goes with the first of the body.
    setImmediate(() => response.flushHeaders());
    await pipeline(body, response, { end: false });
    if (announced.length > 0) response.addTrailers(pairs(admittedTrailers(answer.trailers(), announced)));
    response.end();
    return 'whole';
  } catch {
    body.destroy();
    response.destroy();
    return 'aborted';
  }
}
