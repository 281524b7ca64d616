import type { IncomingMessage } from 'node:http';
import { VelocityError } from '../base/errors.ts';
import { preconditions } from '../http/preconditions.ts';
import type { BucketObject } from './bucket-object.ts';
import type { BucketObjects } from './bucket-objects.ts';

/**
 * Of a change. Buckets decide nothing but `If-None-Match: *` of a write; all other conditions are held against what is
 * there before it.
 * @throws VelocityError `PRECONDITION_FAILED`, `STORAGE_*`
 */
export async function assertConditions(
  request: IncomingMessage,
  object: BucketObject,
  objects: BucketObjects,
): Promise<void> {
  const { headers } = request;
  const names = ['if-match', 'if-none-match', 'if-unmodified-since'];
  if (names.every((name) => headers[name] === undefined)) return;
  const found = await objects.headInBucket(object);
  if (preconditions(request.method ?? 'PUT', headers, found?.meta) === 'failed')
    throw new VelocityError('PRECONDITION_FAILED', 'The object is not as the request says it must be.');
}
