import type { ClientRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { VelocityError } from '../../../base/errors.ts';
import { type Fields, fieldLines } from '../../../http-cache/fields.ts';
import type { Deadline } from './deadline.ts';

export interface BodyToSend {
  readonly body: Readable;
  readonly length: number | undefined;
  readonly trailers: (() => Fields) | undefined;
  /** Runs while the origin does not take what it is sent. */
  readonly stall: Deadline;
}

/**
 * Streams a body into a request. A body that fails, or has not the length that was announced, destroys the request: the
 * origin would take the next one for its rest.
 */
export function sendBody(request: ClientRequest, { body, length, trailers, stall }: BodyToSend): void {
  let sent = 0;
  const onData = (chunk: Buffer): void => {
    sent += chunk.length;
    if (length !== undefined && sent > length) {
      request.destroy(truncated('The body is longer than was announced.'));
      return;
    }
    if (request.write(chunk)) return;
    body.pause();
    stall.start();
  };
  const onEnd = (): void => {
    if (length !== undefined && sent < length) {
      request.destroy(truncated('The body is shorter than was announced.'));
      return;
    }
    if (length === undefined && trailers) request.addTrailers(pairs(trailers()));
    request.end();
  };
  const onClose = (): void => {
    if (!body.readableEnded) request.destroy(truncated('The body broke off.', body.errored));
  };
  request.on('drain', () => {
    stall.stop();
    body.resume();
  });
  request.once('close', () => {
    stall.stop();
    body.off('data', onData).off('end', onEnd).off('close', onClose);
    if (body.listenerCount('data') === 0) body.pause(); // unless somebody reads the rest already
  });
  body.once('error', () => {}); // `close` follows, and says it
  body.once('close', onClose);
  body.once('end', onEnd);
  if (body.destroyed)
    onClose(); // its events may have passed already
  else body.on('data', onData);
}

function truncated(text: string, cause?: Error | null): VelocityError {
  return new VelocityError('BODY_TRUNCATED', text, { cause });
}

/** As Node takes trailers. */
export function pairs(fields: Fields): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at < fields.length; at += 2) list.push([fields[at] ?? '', fields[at + 1] ?? '']);
  return list;
}

export function announcedLength(fields: Fields): number | undefined {
  const [length] = fieldLines(fields, 'content-length');
  return length === undefined ? undefined : Number(length);
}
