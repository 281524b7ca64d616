import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { type ByteSpan, parseByteRange, resolveByteRange } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import type { Reading, ReadThrough } from '../../cache/read-through.ts';
import { preconditions } from '../../http/preconditions.ts';
import { type OnBytes, representationHead, sendBody, sendBytes } from '../../http/transfer.ts';
import { unhurried } from '../../http/unhurried.ts';
import { isDamage } from '../../storage/body.ts';
import { BucketSource, type ObjectMeta } from './bucket-source.ts';
import type { ObjectRequest } from './object-request.ts';

/** Beside every object: as its owner wants it sent, where it came from, and that a browser is not to find out by itself what it was told. */
export function objectFields(
  outcome: Reading<ObjectMeta>['outcome'],
  { fields }: ObjectMeta,
): readonly string[] {
  return [
    ...Object.entries(fields).flat(),
    ...['cache-status', CACHE_STATUS[outcome], 'x-content-type-options', 'nosniff'],
  ];
}

/** RFC 9211. */
const CACHE_STATUS: Readonly<Record<Reading<ObjectMeta>['outcome'], string>> = {
  memory: 'velocitycache; hit; detail=memory',
  disk: 'velocitycache; hit; detail=disk',
  joined: 'velocitycache; fwd=miss; collapsed',
  miss: 'velocitycache; fwd=miss; stored',
  through: 'velocitycache; fwd=miss; detail=too-large',
  absent: 'velocitycache; fwd=miss',
  failed: 'velocitycache; fwd=miss',
};

/**
 * Answers a GET.
 * @throws VelocityError `NOT_FOUND`, `PRECONDITION_FAILED`, `RANGE_UNSATISFIABLE`, `STORAGE_*`
 */
export async function getObject(
  request: FastifyRequest,
  response: ServerResponse,
  object: ObjectRequest,
  cache: ReadThrough<ObjectMeta>,
  onBytes: OnBytes,
): Promise<void> {
  const { bucket, key, tierKey } = object;
  const source = new BucketSource(bucket, key);
  const reading = await unhurried(request.raw, () => cache.read(tierKey, source));
  if (!reading) throw missing();
  try {
    const span = spanOf(request, response, reading);
    if (span === undefined) return;
    const { meta, sizeBytes, outcome, bytes } = reading;
    const body = bytes || reading.sendTo ? undefined : await unhurried(request.raw, () => reading.open(span));
    const { status, headers } = representationHead({ ...meta, sizeBytes, span });
    const begin = (): void => void response.writeHead(status, [...headers, ...objectFields(outcome, meta)]);
    if (!bytes && !body) {
      await reading.sendTo?.(response, span, { begin, onBytes });
      response.end();
      return;
    }
    begin();
    if (body) await sendBody(response, body, onBytes);
    else if (bytes) sendBytes(response, partOf(bytes, span), onBytes);
  } catch (error) {
    // The disk tier's bytes were found wrong before any was sent: they are gone from there, so this is a miss.
    if (!isDamage(error) || reading.outcome !== 'disk' || response.headersSent) throw error;
    await getObject(request, response, object, cache, onBytes);
  } finally {
    reading.close();
  }
}

/** Answers a HEAD: by what is in the tiers, or by the bucket's own HEAD. */
export async function headObject(
  request: FastifyRequest,
  response: ServerResponse,
  { bucket, key, tierKey }: ObjectRequest,
  cache: ReadThrough<ObjectMeta>,
): Promise<void> {
  const held = await cache.find(tierKey);
  held?.close();
  const found = held ?? (await new BucketSource(bucket, key).head());
  if (!found) throw missing();
  const { meta, sizeBytes } = found;
  const verdict = preconditions('HEAD', request.headers, meta);
  if (verdict === 'failed') throw failed();
  if (verdict === 'not-modified') return answerNotModified(response, meta);
  const { headers } = representationHead({ ...meta, sizeBytes, span: 'whole' }); // RFC 9110 §14.2: a Range is for GET
  response.writeHead(200, [...headers, ...objectFields(held?.outcome ?? 'absent', meta)]);
  response.end();
}

/** The part that is asked for; `undefined`: it was answered that nothing is sent. */
function spanOf(
  { headers }: FastifyRequest,
  response: ServerResponse,
  { meta, sizeBytes }: Reading<ObjectMeta>,
): ByteSpan | 'whole' | undefined {
  const verdict = preconditions('GET', headers, meta);
  if (verdict === 'failed') throw failed();
  if (verdict === 'not-modified') {
    answerNotModified(response, meta);
    return undefined;
  }
  const range = verdict === 'whole' ? undefined : parseByteRange(headers.range ?? '');
  if (!range) return 'whole';
  const span = resolveByteRange(range, sizeBytes);
  if (span) return span;
  response.setHeader('content-range', `bytes */${sizeBytes}`); // RFC 9110 §15.5.17
  throw new VelocityError('RANGE_UNSATISFIABLE', `The object has ${sizeBytes} bytes.`, { field: 'range' });
}

/** RFC 9110 §15.4.5. */
function answerNotModified(response: ServerResponse, { etag, modifiedAt, fields }: ObjectMeta): void {
  const cacheControl = fields['cache-control'];
  response.writeHead(304, [
    ...['etag', `"${etag}"`, 'last-modified', new Date(modifiedAt).toUTCString()],
    ...(cacheControl === undefined ? [] : ['cache-control', cacheControl]),
  ]);
  response.end();
}

function partOf(bytes: Uint8Array, span: ByteSpan | 'whole'): Uint8Array {
  return span === 'whole' ? bytes : bytes.subarray(span.first, span.last + 1);
}

/** The key is in the request; a signed URL's is nobody else's. */
function missing(): VelocityError {
  return new VelocityError('NOT_FOUND', 'There is no such object in this bucket.');
}

function failed(): VelocityError {
  return new VelocityError('PRECONDITION_FAILED', 'The object is not as the request says it must be.');
}
