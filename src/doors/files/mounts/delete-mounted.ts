import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import { inParallel } from '../../../base/in-parallel.ts';
import { assertConditions } from '../../../buckets/assert-conditions.ts';
import { bucketObject } from '../../../buckets/bucket-object.ts';
import type { BucketObjects } from '../../../buckets/bucket-objects.ts';
import type { FilePath } from '../../../files/file-path.ts';
import { unhurried } from '../../../http/unhurried.ts';
import type { ObjectKey } from '../../../storage/object-key.ts';
import { refuseParameters } from '../query.ts';
import type { MountedPath } from './mount.ts';
import type { MountTable } from './mount-table.ts';
import type { MountedContext } from './mounted-context.ts';
import {
  addressOf,
  assertDeletes,
  bucketOf,
  noFile,
  notOnAMount,
  objectAt,
  prefixOf,
} from './mounted-object.ts';

/** Of one request on a folder, which is over when all of them are done. */
const MAX_OBJECTS = 10_000;
const AT_ONCE = 16;

/**
 * Answers a DELETE: of a file, else of all files in a folder. One that fails in the middle has deleted some of them, and
 * can be sent again.
 * @throws VelocityError `NOT_FOUND`, `NOT_ON_A_MOUNT`, `PATH_CONFLICT`, `IMMUTABLE`, `PRECONDITION_FAILED`, `STORAGE_*`
 */
export async function deleteMounted(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  { objects, mounts }: MountedContext,
): Promise<void> {
  const { written, query } = addressOf(request);
  refuseParameters(query);
  const object = objectAt(at);
  if (!object) throw isMount(at);
  assertDeletes(object.bucket);
  await assertConditions(request.raw, object, objects);
  if (!written.endsWith('/') && (await objects.headInBucket(object))) {
    await objects.delete(object);
  } else {
    assertNoMounts(at.path, mounts);
    await unhurried(request.raw, () => deleteFolder(at, objects));
  }
  response.writeHead(204);
  response.end();
}

/**
 * All that lies in a folder.
 * @throws VelocityError `NOT_FOUND`, `NOT_ON_A_MOUNT` where it is more than one request may work on
 */
export async function keysIn(at: MountedPath, objects: BucketObjects): Promise<readonly ObjectKey[]> {
  const keys: ObjectKey[] = [];
  for await (const { key } of objects.list(bucketOf(at.mount), { prefix: prefixOf(at) })) {
    if (keys.length === MAX_OBJECTS)
      throw notOnAMount(
        `More than ${MAX_OBJECTS} files lie in ${at.path}; nothing was changed. Take its folders one by one.`,
      );
    keys.push(key);
  }
  if (keys.length === 0) throw noFile(at);
  return keys;
}

async function deleteFolder(at: MountedPath, objects: BucketObjects): Promise<void> {
  const bucket = bucketOf(at.mount);
  await inParallel(await keysIn(at, objects), AT_ONCE, (key) => objects.delete(bucketObject(bucket, key)));
}

/** What lies on another mount is in another place than the rest of the folder. @throws VelocityError `PATH_CONFLICT` */
export function assertNoMounts(path: FilePath, mounts: MountTable): void {
  if (mounts.mountsBelow(path).length === 0) return;
  throw new VelocityError('PATH_CONFLICT', `There is a mount in ${path}, which stays where it is.`);
}

export function isMount({ path, mount }: MountedPath): VelocityError {
  return new VelocityError(
    'PATH_CONFLICT',
    `${path} is a mount: what is in it can be written, copied and deleted; it goes with DELETE /api/v1/mounts/${mount.id}.`,
  );
}
