import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import type { Bucket } from '../../../buckets/bucket.ts';
import { type BucketObject, bucketObject } from '../../../buckets/bucket-object.ts';
import type { ObjectKey } from '../../../storage/object-key.ts';
import type { Mount, MountedPath } from './mount.ts';

/** @throws VelocityError `STORAGE_UNAVAILABLE` */
export function bucketOf({ path, store, bucket }: Mount): Bucket {
  if (bucket) return bucket;
  throw new VelocityError(
    'STORAGE_UNAVAILABLE',
    `The mount ${path} is of the store "${store}", which is not configured.`,
  );
}

/** The object that a file on a mount is. `undefined`: the path is the mount itself, a folder. */
export function objectAt({ mount, key }: MountedPath): BucketObject | undefined {
  const bucket = bucketOf(mount);
  return key === undefined ? undefined : bucketObject(bucket, key);
}

/** What the keys of all that lies in a folder on a mount begin with. */
export function prefixOf({ mount, key }: MountedPath): string {
  return key === undefined ? mount.prefix : `${key}/`;
}

/** Objects of one folder on their way: the prefix of their keys goes in front of those of another. */
export function rebased(key: ObjectKey, from: string, to: string): string {
  return to + key.slice(from.length);
}

/** Of a request for a file: the path as it was sent, and what stands behind the `?`, not decoded. */
export function addressOf({ url }: FastifyRequest): { readonly written: string; readonly query: string } {
  const [written = '', ...query] = url.split('?');
  return { written, query: query.join('?') };
}

/** Whether two names are of one store, as far as the configuration tells. */
export function isOneStore(a: Bucket, b: Bucket): boolean {
  return (a.writesTo ?? a.store) === (b.writesTo ?? b.store);
}

export function notOnAMount(what: string): VelocityError {
  return new VelocityError('NOT_ON_A_MOUNT', what);
}

export function noFile({ path }: MountedPath): VelocityError {
  return new VelocityError('NOT_FOUND', `There is no file ${path}.`);
}

/** @throws VelocityError `NOT_ON_A_MOUNT`, `IMMUTABLE` where nothing can be deleted */
export function assertDeletes({ id, immutable, writesTo, store }: Bucket): void {
  if (immutable)
    throw new VelocityError('IMMUTABLE', `The store ${id} keeps what it holds; nothing is deleted.`);
  if (writesTo !== undefined && writesTo !== store)
    throw notOnAMount(
      `The store ${id} reads from several, and what was deleted from the first of them would be read from the next.`,
    );
}
