import { drainRest } from '../../../http/transfer.ts';
import { type Fields, withoutFields } from '../../../http-cache/fields.ts';
import {
  type ForwardOptions,
  fieldsToClient,
  type Proxied,
  requestToOrigin,
  takesTrailers,
} from './forwarding.ts';
import type { OriginClient, OriginResponse } from './origin-client.ts';
import { type Forwarded, sendAnswer } from './send-answer.ts';
import { admittedTrailers, announcedTrailers } from './trailers.ts';

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
    // While it waits for others of its connection Node would put them behind the head.
    if (response.socket === null && admitted.version !== '2.0') return;
    // Since Node 24.18; before it hints are left out, which nobody may rely on.
    response.writeInformation?.(status, [...withoutFields(endToEnd(fields), LENGTH)]);
  };
}

/** Not in an interim answer, not even as 0, which origins are let write. RFC 9110 §8.6. */
const LENGTH: ReadonlySet<string> = new Set(['content-length']);

/** Sends an answer to the client. Never rejects: what breaks off is cut off. */
export function relayAnswer(
  answer: OriginResponse,
  proxied: Proxied,
  options: ForwardOptions,
): Promise<Forwarded> {
  const { status, reason, body, bytes } = answer;
  const fields = fieldsToClient(answer, options);
  const names = takesTrailers(proxied.admitted) ? announcedTrailers(answer.fields) : [];
  const trailers = { names, read: () => admittedTrailers(answer.trailers(), names) };
  return sendAnswer({ status, reason, fields, body: bytes ?? body, trailers }, proxied);
}
