import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import type { Bucket } from '../../buckets/bucket.ts';
import { type BucketObject, bucketObject } from '../../buckets/bucket-object.ts';
import { objectPath } from './object-path.ts';

/** The object that a request is about. @throws VelocityError `INVALID_KEY` */
export function objectRequest(bucket: Bucket, target: string): BucketObject {
  return bucketObject(bucket, objectPath(target, bucket.id));
}

/** @throws VelocityError `BAD_REQUEST` */
export function asksToPrefetch({ query }: FastifyRequest): boolean {
  const { prefetch } = query as { readonly prefetch?: unknown };
  switch (prefetch) {
    case undefined:
    case 'false':
    case '0':
      return false;
    case 'true':
    case '1':
      return true;
    default:
      throw new VelocityError('BAD_REQUEST', 'prefetch takes true, false, 1 or 0.', { field: 'prefetch' });
  }
}
