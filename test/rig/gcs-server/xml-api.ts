import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { parseByteRange, resolveByteRange } from '../../../src/base/byte-range.ts';
import type { TestBucket, TestObject } from './bucket.ts';
import { Refusal } from './refusal.ts';

const METADATA_HEADER = 'x-goog-meta-';

/** GET, HEAD, PUT and DELETE of one object. https://cloud.google.com/storage/docs/xml-api/reference-methods */
export async function answerXml(
  request: IncomingMessage,
  response: ServerResponse,
  bucket: TestBucket,
  name: string,
): Promise<void> {
  if (request.method === 'PUT') return put(request, response, bucket, name);
  const object = bucket.get(name);
  if (!object) throw new Refusal(404, 'NoSuchKey');
  if (request.method === 'DELETE') {
    bucket.delete(name);
    response.writeHead(204).end();
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    send(request, response, object);
  } else {
    throw new Refusal(405, 'MethodNotAllowed');
  }
}

async function put(
  request: IncomingMessage,
  response: ServerResponse,
  bucket: TestBucket,
  name: string,
): Promise<void> {
  const condition = header(request, 'x-goog-if-generation-match');
  // GCS may answer before it has read the body, and decides again when it has.
  if (!bucket.admits(name, condition)) throw new Refusal(412, 'PreconditionFailed');
  const bytes = await buffer(request); // fails where the body is cut short, and nothing is stored
  assertLength(request, bytes.length);
  const md5 = header(request, 'content-md5');
  if (md5 !== undefined && md5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new Refusal(400, 'BadDigest');
  }
  const metadata = Object.entries(request.headers)
    .filter(([field]) => field.startsWith(METADATA_HEADER))
    .map(([field, value]) => [field.slice(METADATA_HEADER.length), String(value)]);
  const object = {
    name,
    bytes,
    contentType: header(request, 'content-type') ?? 'application/octet-stream',
    contentEncoding: header(request, 'content-encoding'),
    cacheControl: header(request, 'cache-control'),
    fields: Object.fromEntries(
      ['content-language', 'content-disposition'].flatMap((name) => {
        const value = header(request, name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    metadata: Object.fromEntries(metadata) as Record<string, string>,
  };
  const stored = bucket.put(object, condition);
  if (stored === 'precondition-failed') throw new Refusal(412, 'PreconditionFailed');
  response.writeHead(200, { etag: etagOf(bytes), 'x-goog-generation': stored.generation }).end();
}

function assertLength(request: IncomingMessage, sizeBytes: number): void {
  const range = header(request, 'x-goog-content-length-range');
  if (range === undefined) return;
  const [least = Number.NaN, most = Number.NaN] = range.split(',').map(Number);
  if (sizeBytes < least) throw new Refusal(400, 'EntityTooSmall');
  if (!(sizeBytes <= most)) throw new Refusal(400, 'EntityTooLarge');
}

function send(request: IncomingMessage, response: ServerResponse, object: TestObject): void {
  const facts = {
    'content-type': object.contentType,
    etag: etagOf(object.bytes),
    'last-modified': new Date(object.updatedAt).toUTCString(),
    ...object.fields,
    ...(object.cacheControl === undefined ? {} : { 'cache-control': object.cacheControl }),
    'x-goog-generation': object.generation,
    'x-goog-stored-content-encoding': object.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': String(object.bytes.length),
    ...Object.fromEntries(
      Object.entries(object.metadata).map(([name, value]) => [METADATA_HEADER + name, value]),
    ),
  };
  const head = request.method === 'HEAD';
  if (isUnpacked(request, object)) {
    // https://cloud.google.com/storage/docs/transcoding: no length, no range, no encoding in the answer
    response.writeHead(200, facts).end(head ? undefined : gunzipSync(object.bytes));
    return;
  }
  const whole =
    object.contentEncoding === undefined ? facts : { ...facts, 'content-encoding': object.contentEncoding };
  const range = parseByteRange(header(request, 'range') ?? '');
  if (!range) {
    response.writeHead(200, { ...whole, 'content-length': object.bytes.length });
    response.end(head ? undefined : object.bytes);
    return;
  }
  const span = resolveByteRange(range, object.bytes.length);
  if (!span) throw new Refusal(416, 'InvalidRange');
  const part = object.bytes.subarray(span.first, span.last + 1);
  response.writeHead(206, {
    ...whole,
    'content-length': part.length,
    'content-range': `bytes ${span.first}-${span.last}/${object.bytes.length}`,
  });
  response.end(head ? undefined : part);
}

function isUnpacked(request: IncomingMessage, object: TestObject): boolean {
  return (
    object.contentEncoding === 'gzip' &&
    !/gzip/.test(header(request, 'accept-encoding') ?? '') &&
    !/no-transform/.test(object.cacheControl ?? '')
  );
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function header(request: IncomingMessage, name: string): string | undefined {
  return request.headers[name]?.toString();
}
