import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import { inParallel } from '../../../base/in-parallel.ts';
import { assertConditions } from '../../../buckets/assert-conditions.ts';
import { type BucketObject, bucketObject } from '../../../buckets/bucket-object.ts';
import type { BucketObjects, Copied } from '../../../buckets/bucket-objects.ts';
import { isWithin } from '../../../files/file-path.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';
import type { Target } from '../write-query.ts';
import { assertNoMounts, isMount, keysIn } from './delete-mounted.ts';
import type { MountedPath } from './mount.ts';
import type { MountedContext } from './mounted-context.ts';
import {
  assertDeletes,
  bucketOf,
  isOneStore,
  noFile,
  notOnAMount,
  objectAt,
  prefixOf,
  rebased,
} from './mounted-object.ts';

/** What came of it: of one file, or of those of a folder. */
export type Copies = 'made' | 'replaced' | { readonly files: number };

/** Each holds a body on its way through this server. */
const AT_ONCE = 4;

/**
 * Copies or moves a file, or a folder file by file, to the same or another mount; the bytes pass through this server. A
 * move deletes once all is copied, so that one that fails has lost nothing.
 * @throws VelocityError `NOT_FOUND`, `NOT_ON_A_MOUNT`, `PATH_CONFLICT`, `PATH_BUSY`, `IMMUTABLE`, `STORAGE_*`
 */
export async function copyMounted(
  kind: 'copy' | 'move',
  request: FastifyRequest,
  from: MountedPath,
  { to: target, overwrite }: Target,
  { objects, mounts }: MountedContext,
): Promise<Copies> {
  const to = mounts.mountAt(target);
  if (!to)
    throw notOnAMount(`${target} is no mount’s: what lies on a mount is copied and moved to mounts alone.`);
  const [source, place] = [objectAt(from), objectAt(to)];
  if (!place) throw isMount(to);
  if (kind === 'move') {
    if (!source) throw isMount(from);
    assertDeletes(source.bucket);
  }
  if (source && (await objects.headInBucket(source))) return copyFile(source, place);
  return copyFolder();

  async function copyFile(file: BucketObject, there: BucketObject): Promise<Copies> {
    if (file.key === there.key && isOneStore(file.bucket, there.bucket))
      throw taken(`${target} is the file itself.`);
    await assertConditions(request.raw, file, objects);
    const copied = await copyObject(file, there, overwrite, objects);
    if (!copied) throw noFile(from);
    if (kind === 'move') await removeCopied(file, copied);
    return copied.outcome === 'overwritten' ? 'replaced' : 'made';
  }

  async function copyFolder(): Promise<Copies> {
    const [prefix, prefixThere] = [prefixOf(from), prefixOf(to as MountedPath)];
    const [bucket, bucketThere] = [bucketOf(from.mount), bucketOf((to as MountedPath).mount)];
    if (isWithin(target, from.path) || (isOneStore(bucket, bucketThere) && prefixThere.startsWith(prefix)))
      throw taken(`${target} lies in ${from.path} itself.`);
    assertNoMounts(from.path, mounts);
    assertNoMounts((to as MountedPath).path, mounts);
    const keys = await keysIn(from, objects);
    await assertNothingAt(place as BucketObject, target, objects);
    const copies = keys.map((key) => ({
      file: bucketObject(bucket, key),
      there: bucketObject(bucketThere, parseObjectKey(rebased(key, prefix, prefixThere))),
    }));
    const copied = await inParallel(copies, AT_ONCE, ({ file, there }) =>
      copyObject(file, there, false, objects),
    );
    if (kind === 'move')
      await inParallel(copies, AT_ONCE, ({ file }, index) => removeCopied(file, copied[index]));
    return { files: keys.length };
  }

  /**
   * What is not what was copied any more stays, for there is no copy of it. The time tells of the same bytes, too: where two
   * names lead to one bucket, they may be the copy.
   */
  async function removeCopied(file: BucketObject, copied: Copied | undefined): Promise<void> {
    const now = (await objects.headInBucket(file))?.meta;
    if (now && (now.etag !== copied?.from.etag || now.modifiedAt !== copied.from.modifiedAt))
      throw new VelocityError(
        'PATH_BUSY',
        `${from.path} was written while it was moved: that stays, and ${target} is what was there before.`,
      );
    await objects.delete(file);
  }
}

/** @returns `undefined`: there is none any more */
async function copyObject(
  file: BucketObject,
  there: BucketObject,
  overwrite: boolean,
  objects: BucketObjects,
): Promise<Copied | undefined> {
  const { immutable, id } = there.bucket;
  const copied = await objects.copy(file, there, { ifAbsent: immutable || !overwrite });
  if (!copied) return undefined;
  const { outcome } = copied;
  objects.metrics.writes.inc({ outcome: outcome === 'exists' ? 'refused' : outcome });
  if (outcome !== 'exists') return copied;
  if (immutable && overwrite)
    throw new VelocityError('IMMUTABLE', `The store ${id} keeps what it holds; there is an object already.`);
  throw taken('There is a file at the target already; "overwrite" replaces it.');
}

/** A folder is put in no other's place, nor into it. */
async function assertNothingAt(place: BucketObject, target: string, objects: BucketObjects): Promise<void> {
  if (await objects.headInBucket(place)) throw taken(`There is a file at ${target} already.`);
  for await (const _ of objects.list(place.bucket, { prefix: `${place.key}/` }))
    throw taken(`There is a folder at ${target} already.`);
}

function taken(message: string): VelocityError {
  return new VelocityError('PATH_CONFLICT', message);
}
