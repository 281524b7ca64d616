import type { ObjectKey } from '../storage/object-key.ts';
import type { Bucket } from './bucket.ts';

/** An object in its bucket, whether it is there or not. */
export interface BucketObject {
  readonly bucket: Bucket;
  readonly key: ObjectKey;
  /** Its name in the tiers, where all buckets are together. */
  readonly tierKey: string;
}

/** No id of a bucket holds a slash. */
export function bucketObject(bucket: Bucket, key: ObjectKey): BucketObject {
  return { bucket, key, tierKey: `${bucket.id}/${key}` };
}
