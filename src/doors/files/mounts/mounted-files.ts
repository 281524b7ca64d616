import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../../base/errors.ts';
import { receiveObject } from '../../../buckets/receive-object.ts';
import { answerJson, readJson } from '../../../http/json.ts';
import { unhurried } from '../../../http/unhurried.ts';
import { refuseParameters } from '../query.ts';
import { parseMove, parsePostQuery, type Target } from '../write-query.ts';
import { copyMounted } from './copy-mounted.ts';
import { deleteMounted, isMount } from './delete-mounted.ts';
import { isFolder } from './list-mounted.ts';
import type { MountedPath } from './mount.ts';
import type { MountedContext } from './mounted-context.ts';
import { addressOf, notOnAMount, objectAt } from './mounted-object.ts';
import { readMounted } from './read-mounted.ts';

const MAX_JSON_BYTES = 64 * 1024;

/**
 * Answers a request of any method for what lies on a mount. Nothing of it is journaled: the store is somebody else's, too.
 * @throws VelocityError among others `NOT_ON_A_MOUNT`, for what takes the folder with its journal
 */
export async function handleMounted(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  context: MountedContext,
): Promise<void> {
  try {
    await handle(request, response, at, context);
  } catch (error) {
    if (error instanceof VelocityError && error.code.startsWith('STORAGE_'))
      context.objects.metrics.upstreamErrors.inc({ bucket: at.mount.store, kind: error.code });
    throw error;
  }
}

async function handle(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  context: MountedContext,
): Promise<void> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return readMounted(request, response, at, context);
    case 'PUT':
      return putMounted(request, response, at, context);
    case 'DELETE':
      return deleteMounted(request, response, at, context);
    case 'POST':
      return postMounted(request, response, at, context);
    case 'PATCH': {
      if (request.headers['x-update-range'] !== undefined)
        throw notOnAMount('A file on a mount is written as a whole: no part of it can be changed alone.');
      refuseParameters(addressOf(request).query);
      const target = parseMove(await readJson(request.raw, MAX_JSON_BYTES), at.path);
      return answerCopy('move', request, response, at, target, context);
    }
    default:
      throw new VelocityError('METHOD_NOT_ALLOWED', `A file on a mount does not take ${request.method}.`);
  }
}

async function putMounted(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  { objects, received, maxUploadBytes }: MountedContext,
): Promise<void> {
  const { written, query } = addressOf(request);
  refuseParameters(query);
  if (written.endsWith('/'))
    throw new VelocityError('PATH_CONFLICT', 'A path with a slash at its end is a folder’s.');
  const object = objectAt(at);
  if (!object) throw isMount(at);
  const charge = received(request);
  const onBytes = (bytes: number): void => {
    objects.traffic.received(bytes);
    charge(bytes);
  };
  const { writes } = objects.metrics;
  try {
    const { outcome, facts } = await receiveObject(request, object, objects, {
      maxBytes: maxUploadBytes,
      onBytes,
    });
    writes.inc({ outcome });
    if (facts) response.setHeader('etag', `"${facts.etag}"`);
    const { sizeBytes: size, digest: sha256 } = facts ?? {};
    answerJson(response, outcome === 'overwritten' ? 200 : 201, { path: at.path, size, sha256 });
  } catch (error) {
    const isOurs = error instanceof VelocityError && error.status < 500;
    writes.inc({ outcome: isOurs ? 'refused' : 'failed' });
    throw error;
  }
}

async function postMounted(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  context: MountedContext,
): Promise<void> {
  const asked = parsePostQuery(addressOf(request).query);
  switch (asked.kind) {
    case 'copy':
    case 'move':
      return answerCopy(asked.kind, request, response, at, asked, context);
    case 'mkdir':
      return answerMkdir(response, at, context);
    case 'restore':
      throw notOnAMount('Nothing is kept of the past of a file on a mount, so there is nothing to restore.');
  }
}

async function answerCopy(
  kind: 'copy' | 'move',
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  target: Target,
  context: MountedContext,
): Promise<void> {
  const copies = await unhurried(request.raw, () => copyMounted(kind, request, at, target, context));
  if (typeof copies === 'object') answerJson(response, 200, { path: target.to, ...copies });
  else answerJson(response, copies === 'made' ? 201 : 200, { path: target.to });
}

/** A folder on a mount is there as soon as a file is in it, and not before: there is nothing to be made. */
async function answerMkdir(
  response: ServerResponse,
  at: MountedPath,
  { objects, mounts }: MountedContext,
): Promise<void> {
  const object = objectAt(at);
  if (object && (await objects.headInBucket(object)))
    throw new VelocityError('PATH_CONFLICT', `There is a file at ${at.path} already.`);
  const isThere = await isFolder(at, objects, mounts);
  answerJson(response, isThere ? 200 : 201, { path: at.path, type: 'folder' });
}
