import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { Bucket } from './buckets.ts';
import { objectPath } from './object-path.ts';

/** The object that a request is about. */
export interface ObjectRequest {
  readonly bucket: Bucket;
  readonly key: ObjectKey;
  /** Its name in the tiers, where all buckets are together. */
  readonly tierKey: string;
}

/** @throws VelocityError `INVALID_KEY` */
export function objectRequest(bucket: Bucket, target: string): ObjectRequest {
  const key = objectPath(target, bucket.id);
  return { bucket, key, tierKey: tierKeyOf(bucket.id, key) };
}

/** No id of a bucket holds a slash. */
function tierKeyOf(bucketId: string, key: ObjectKey): string {
  return `${bucketId}/${key}`;
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
