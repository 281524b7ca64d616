import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { type ByteSpan, spanLength } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';
import { pipeInto } from '../base/pipe-into.ts';
import { waitsToSend } from './expect-continue.ts';

/** Told of every piece that passes, when it does. */
export type OnBytes = (bytes: number) => void;

const MAX_DRAINED_BYTES = 64 * 1024 * 1024;

/** What a response says of the bytes it carries. */
export interface Representation {
  readonly sizeBytes: number;
  readonly contentType: string | undefined;
  readonly etag: string;
  readonly modifiedAt: number;
  readonly span: ByteSpan | 'whole';
}

/** The head of a 200 or 206 answer, as the flat list that `writeHead` takes fastest. RFC 9110 §15.3. */
export function representationHead(representation: Representation): { status: 200 | 206; headers: string[] } {
  const { sizeBytes, contentType, etag, modifiedAt, span } = representation;
  const length = span === 'whole' ? sizeBytes : spanLength(span);
  const headers = [
    'content-type',
    contentType ?? 'application/octet-stream',
    'content-length',
    String(length),
    'accept-ranges',
    'bytes',
    'etag',
    `"${etag}"`,
    'last-modified',
    new Date(modifiedAt).toUTCString(),
  ];
  if (span === 'whole') return { status: 200, headers };
  headers.push('content-range', `bytes ${span.first}-${span.last}/${sizeBytes}`);
  return { status: 206, headers };
}

/** A 416, whose length goes with it. RFC 9110 §15.5.17. @param what is sent, to begin a sentence: `The object` */
export function rangeUnsatisfiable(response: ServerResponse, what: string, sizeBytes: number): VelocityError {
  response.setHeader('content-range', `bytes */${sizeBytes}`);
  return new VelocityError('RANGE_UNSATISFIABLE', `${what} has ${sizeBytes} bytes.`, { field: 'range' });
}

/**
 * Sends the body with back-pressure. A body that fails cuts the connection: the client
 * sees an aborted answer, never a clean short one. Resolves to the bytes that were sent;
 * rejects with the body's failure; a client that leaves is no failure.
 */
export async function sendBody(
  response: ServerResponse,
  body: Readable,
  onBytes?: OnBytes | undefined,
): Promise<number> {
  let sent = 0;
  let failure: unknown;
  body.on('data', (chunk: Uint8Array) => {
    sent += chunk.length;
    onBytes?.(chunk.length);
  });
  body.once('error', (error) => {
    failure = error;
  });
  await pipeline(body, response).catch(() => {});
  if (failure !== undefined && !response.writableFinished && !clientLeft(failure)) throw failure;
  return sent;
}

/** Likewise of a body that is in memory as a whole, in one write. */
export function sendBytes(
  response: ServerResponse,
  bytes: Uint8Array,
  onBytes?: OnBytes | undefined,
): number {
  onBytes?.(bytes.length);
  response.end(bytes);
  return bytes.length;
}

/** When the system has all of an answer that was ended, or its connection is gone: what it was sent from is read no more. */
export async function taken(response: ServerResponse): Promise<void> {
  if (response.writableLength === 0 || response.closed) return;
  await new Promise((resolve) => response.once('close', resolve));
}

function clientLeft(failure: unknown): boolean {
  return failure instanceof Error && 'code' in failure && failure.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** The request's body, refused as soon as it is larger than allowed: by its announced length, else as it arrives. */
export function boundedBody(
  request: IncomingMessage,
  maxBytes: number,
  onBytes?: OnBytes | undefined,
): Readable {
  const announced = announcedLength(request);
  if (announced !== undefined) {
    if (announced > maxBytes) throw tooLarge(announced, maxBytes);
    if (!onBytes) return request; // Node's parser gives exactly the announced bytes, or an error
  }
  let received = 0;
  const bounded = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      received += chunk.length;
      onBytes?.(chunk.length);
      if (received > maxBytes) done(tooLarge(received, maxBytes));
      else done(null, chunk);
    },
  });
  return pipeInto(request, bounded);
}

/**
 * Reads and drops what is left of a body after it was answered, so that clients that send
 * everything before they read get to see the answer; a longer rest costs the connection.
 * A client that waits to be asked for its body is not asked for it.
 */
export function drainRest(
  request: IncomingMessage,
  onBytes?: OnBytes | undefined,
  maxBytes = MAX_DRAINED_BYTES,
): void {
  if (waitsToSend(request)) return;
  let dropped = 0;
  request.unpipe(); // whoever no longer takes anything would hold it up
  request.on('data', (chunk: Uint8Array) => {
    dropped += chunk.length;
    onBytes?.(chunk.length);
    if (dropped > maxBytes) request.destroy();
  });
  request.on('error', () => {}); // the client left; there is nobody to tell
  request.resume();
}

/** The end of a body that somebody else reads or drops; also where it breaks off. One that nobody asked for does not come. */
export async function bodyEnd(request: IncomingMessage): Promise<void> {
  if (waitsToSend(request)) return;
  await finished(request).catch(() => {});
}

export function announcedLength(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

export function tooLarge(bytes: number, maxBytes: number): VelocityError {
  return new VelocityError(
    'BODY_TOO_LARGE',
    `The body has ${bytes} bytes or more; the limit is ${maxBytes}.`,
  );
}
