import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../base/errors.ts';
import { announcedLength, boundedBody, type OnBytes } from '../http/transfer.ts';
import { storedFields } from '../storage/stored-fields.ts';
import { assertConditions } from './assert-conditions.ts';
import type { BucketObject } from './bucket-object.ts';
import type { BucketObjects } from './bucket-objects.ts';
import type { Written } from './object-writes.ts';

/**
 * Takes the body of a PUT. What is to be said of it is left to the caller, and so is the rest of a body that is refused.
 * @throws VelocityError `IMMUTABLE`, `PRECONDITION_FAILED`, `BODY_*`, `STORAGE_*`
 */
export async function receiveObject(
  { raw: request }: FastifyRequest,
  object: BucketObject,
  objects: BucketObjects,
  { maxBytes, onBytes }: { readonly maxBytes: number; readonly onBytes: OnBytes },
): Promise<Written> {
  assertWhole(request);
  const { immutable } = object.bucket;
  const isFirst = request.headers['if-none-match']?.trim() === '*';
  if (!isFirst) await assertConditions(request, object, objects);
  const body = boundedBody(request, maxBytes, onBytes);
  const written = await objects.write(object, body, {
    sizeBytes: announcedLength(request),
    contentType: request.headers['content-type'],
    fields: storedFields(request.headers),
    ifAbsent: immutable || isFirst,
  });
  if (written.outcome === 'exists') {
    if (isFirst)
      throw new VelocityError(
        'PRECONDITION_FAILED',
        'There is an object already, which "If-None-Match: *" forbids.',
      );
    throw new VelocityError(
      'IMMUTABLE',
      `The store ${object.bucket.id} keeps what it holds; there is an object already.`,
    );
  }
  return written;
}

/** A part of an object would be taken for the whole. */
function assertWhole({ headers }: IncomingMessage): void {
  // RFC 9110 §14.4: a server that does not know what to do with it must not store the part as the whole.
  if (headers['content-range'] !== undefined)
    throw new VelocityError('BAD_REQUEST', 'A part of an object cannot be written.', {
      field: 'content-range',
    });
}
