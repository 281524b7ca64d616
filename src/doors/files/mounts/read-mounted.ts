import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { type Digest, DigestMeter } from '../../../base/digest.ts';
import { unreachable } from '../../../base/unreachable.ts';
import type { BucketObject } from '../../../buckets/bucket-object.ts';
import type { BucketObjects } from '../../../buckets/bucket-objects.ts';
import { sendObject, sendObjectHead } from '../../../buckets/send-object.ts';
import { nameOf } from '../../../files/file-path.ts';
import { answerJson } from '../../../http/json.ts';
import type { OnBytes } from '../../../http/transfer.ts';
import { unhurried } from '../../../http/unhurried.ts';
import { answerLines } from '../answer-lines.ts';
import { answerListing } from '../answer-listing.ts';
import { answerText } from '../answer-text.ts';
import type { LineRange } from '../line-range.ts';
import { gatherListing } from '../listing.ts';
import { parseReadQuery } from '../read-query.ts';
import { isFolder, listMounted } from './list-mounted.ts';
import type { MountedPath } from './mount.ts';
import type { MountedContext } from './mounted-context.ts';
import { addressOf, noFile, notOnAMount, objectAt } from './mounted-object.ts';

/**
 * Answers a GET or a HEAD of a file or folder on a mount.
 * @throws VelocityError `NOT_FOUND`, `NOT_ON_A_MOUNT`, `PRECONDITION_FAILED`, `RANGE_UNSATISFIABLE`, `STORAGE_*`
 */
export async function readMounted(
  request: FastifyRequest,
  response: ServerResponse,
  at: MountedPath,
  context: MountedContext,
): Promise<void> {
  const { objects } = context;
  const { written, query } = addressOf(request);
  const asked = parseReadQuery(query);
  switch (asked.kind) {
    case 'content':
      if (asked.at !== undefined) throw noPast();
      if (asked.lines) return sendLines(asked.lines);
      if (!written.endsWith('/') && (await sendFile())) return;
      return sendFolder(asked.wantsJson);
    case 'hash':
      if (asked.at !== undefined) throw noPast();
      return sendHash();
    case 'stat':
      return sendStat();
    case 'history':
    case 'diff':
      throw noPast();
    default:
      return unreachable(asked);
  }

  async function sendFile(): Promise<boolean> {
    const object = objectAt(at);
    if (!object) return false;
    if (request.method === 'HEAD') return sendObjectHead(request, response, object, objects);
    return sendObject(request, response, object, objects, sent());
  }

  async function sendLines(range: LineRange): Promise<void> {
    const object = objectAt(at);
    const reading = object && (await unhurried(request.raw, () => objects.read(object)));
    if (!reading) throw noFile(at);
    try {
      const { bytes } = reading;
      const file = bytes ? Readable.from([bytes], { objectMode: false }) : await reading.open('whole');
      await answerLines(request, response, file, range, sent());
    } finally {
      reading.close();
    }
  }

  function sent(): OnBytes {
    const charge = context.sent(request);
    return (bytes) => {
      objects.traffic.sent(bytes);
      charge(bytes);
    };
  }

  async function sendFolder(wantsJson: boolean): Promise<void> {
    const listed = listMounted(at, objects, context.mounts)[Symbol.asyncIterator]();
    try {
      const first = await unhurried(request.raw, () => listed.next());
      if (first.done && at.key !== undefined) throw noFile(at);
      const listing = await unhurried(request.raw, () =>
        gatherListing(at.path, resumed(first, listed, response)),
      );
      await answerListing(request, response, listing, { written, wantsJson, onBytes: context.sent(request) });
    } finally {
      await listed.return?.();
    }
  }

  async function sendHash(): Promise<void> {
    const object = objectAt(at);
    const digest = object && (await unhurried(request.raw, () => digestOfObject(object, objects)));
    if (!digest) throw noFile(at);
    answerText(request, response, `${digest}\n`);
  }

  async function sendStat(): Promise<void> {
    const object = objectAt(at);
    const facts = object && (await object.bucket.store.head(object.key));
    const { id: mount, store } = at.mount;
    const shown = { path: at.path, name: nameOf(at.path), mount, store };
    if (facts) {
      const { sizeBytes: size, modifiedAt, etag, digest: sha256, contentType: content_type } = facts;
      const modified = new Date(modifiedAt).toISOString();
      return answerJson(response, 200, {
        ...shown,
        type: 'file',
        size,
        modified,
        etag,
        sha256,
        content_type,
      });
    }
    if (!(await unhurried(request.raw, () => isFolder(at, objects, context.mounts)))) throw noFile(at);
    answerJson(response, 200, { ...shown, type: 'folder' });
  }
}

/** For as long as there is somebody to tell: it may be very many questions to the store. */
async function* resumed<T>(
  first: IteratorResult<T>,
  rest: AsyncIterator<T>,
  response: ServerResponse,
): AsyncIterable<T> {
  for (let next = first; !next.done && !response.closed; next = await rest.next()) yield next.value;
}

/** As it is stored with the object; else of its bytes, through the tiers. */
async function digestOfObject(object: BucketObject, objects: BucketObjects): Promise<Digest | undefined> {
  const facts = await object.bucket.store.head(object.key);
  if (!facts || facts.digest !== undefined) return facts?.digest;
  const reading = await objects.read(object);
  if (!reading) return undefined;
  try {
    const meter = new DigestMeter();
    if (reading.bytes) meter.update(reading.bytes);
    else for await (const chunk of await reading.open('whole')) meter.update(chunk);
    return meter.digest();
  } finally {
    reading.close();
  }
}

function noPast() {
  return notOnAMount('Nothing is kept of the past of a file on a mount: the store has what it is now.');
}
