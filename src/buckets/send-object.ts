import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { ByteSpan } from '../base/byte-range.ts';
import { BodyChanged } from '../cache/body-changed.ts';
import type { Reading, ReadOutcome } from '../cache/read-through.ts';
import { askedSpan } from '../http/asked-span.ts';
import { peek } from '../http/peek.ts';
import { type OnBytes, representationHead, sendBody, sendBytes, taken } from '../http/transfer.ts';
import { unhurried } from '../http/unhurried.ts';
import { isDamage } from '../storage/body.ts';
import type { BucketObject } from './bucket-object.ts';
import type { BucketObjects } from './bucket-objects.ts';
import type { ObjectMeta } from './bucket-source.ts';

/** Beside every object: as its owner wants it sent, where it came from, and that a browser is not to find out by itself what it was told. */
export function objectFields(outcome: ReadOutcome, { fields }: ObjectMeta): readonly string[] {
  return [
    ...Object.entries(fields).flat(),
    ...['cache-status', CACHE_STATUS[outcome], 'x-content-type-options', 'nosniff'],
  ];
}

/** To begin a sentence. */
const WHAT = 'The object';

/** RFC 9211. */
const CACHE_STATUS: Readonly<Record<ReadOutcome, string>> = {
  memory: 'velocitycache; hit; detail=memory',
  disk: 'velocitycache; hit; detail=disk',
  joined: 'velocitycache; fwd=miss; collapsed',
  miss: 'velocitycache; fwd=miss; stored',
  through: 'velocitycache; fwd=miss; detail=not-kept',
  absent: 'velocitycache; fwd=miss',
  failed: 'velocitycache; fwd=miss',
};

/**
 * Answers a GET.
 * @returns whether there is such an object; where there is none, nothing was answered
 * @throws VelocityError `PRECONDITION_FAILED`, `RANGE_UNSATISFIABLE`, `STORAGE_*`
 */
export async function sendObject(
  request: FastifyRequest,
  response: ServerResponse,
  object: BucketObject,
  objects: BucketObjects,
  onBytes: OnBytes,
): Promise<boolean> {
  for (let isLast = false; ; isLast = true) {
    const reading = await unhurried(request.raw, () => objects.read(object));
    if (!reading) return false;
    try {
      await answer(request, response, reading, onBytes);
      return true;
    } catch (error) {
      // Nothing of it was sent, so what the bucket has now is read in its place.
      if (isLast || response.headersSent || !isGone(error, reading)) throw error;
    } finally {
      reading.close();
    }
  }
}

/** What was read is no more what is there: the bucket has another object, or the disk tier's bytes were wrong and are gone. */
function isGone(error: unknown, { outcome }: Reading<ObjectMeta>): boolean {
  return error instanceof BodyChanged || (outcome === 'disk' && isDamage(error));
}

async function answer(
  request: FastifyRequest,
  response: ServerResponse,
  reading: Reading<ObjectMeta>,
  onBytes: OnBytes,
): Promise<void> {
  const { meta, sizeBytes, bytes } = reading;
  const span = askedSpan(request, response, { ...meta, sizeBytes }, WHAT, notModifiedFields(meta));
  if (span === undefined) return;
  const body = bytes || reading.sendTo ? undefined : await unhurried(request.raw, () => begun(reading, span));
  const { status, headers } = representationHead({ ...meta, sizeBytes, span });
  const begin = (): void =>
    void response.writeHead(status, [...headers, ...objectFields(reading.outcome, meta)]);
  if (!bytes && !body) {
    await reading.sendTo?.(response, span, { begin, onBytes });
    response.end();
    return;
  }
  begin();
  if (body) await sendBody(response, body, onBytes);
  else if (bytes) sendBytes(response, partOf(bytes, span), onBytes);
  await taken(response); // the reading's memory is in use until then
}

/**
 * Answers a HEAD: by what is in the tiers, or by the bucket's own HEAD.
 * @returns as `sendObject`
 * @throws VelocityError `PRECONDITION_FAILED`, `STORAGE_*`
 */
export async function sendObjectHead(
  request: FastifyRequest,
  response: ServerResponse,
  object: BucketObject,
  objects: BucketObjects,
): Promise<boolean> {
  const found = await objects.head(object);
  if (!found) return false;
  const { meta, sizeBytes, outcome } = found;
  if (askedSpan(request, response, { ...meta, sizeBytes }, WHAT, notModifiedFields(meta)) === undefined)
    return true;
  const { headers } = representationHead({ ...meta, sizeBytes, span: 'whole' });
  response.writeHead(200, [...headers, ...objectFields(outcome, meta)]);
  response.end();
  return true;
}

/** The body, of a part once it begins to come: all that lies before it may have to be fetched first. */
async function begun(reading: Reading<ObjectMeta>, span: ByteSpan | 'whole'): Promise<Readable> {
  const body = await reading.open(span);
  if (span !== 'whole') await peek(body, 1);
  return body;
}

/** RFC 9110 §15.4.5. */
function notModifiedFields({ fields }: ObjectMeta): readonly string[] {
  const cacheControl = fields['cache-control'];
  return cacheControl === undefined ? [] : ['cache-control', cacheControl];
}

function partOf(bytes: Uint8Array, span: ByteSpan | 'whole'): Uint8Array {
  return span === 'whole' ? bytes : bytes.subarray(span.first, span.last + 1);
}
