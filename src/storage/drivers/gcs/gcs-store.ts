import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type ByteRange, formatByteRange } from '../../../base/byte-range.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { parseDigest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { escapeUri } from '../../escape-uri.ts';
import { asObjectKey, type ObjectKey } from '../../object-key.ts';
import { partOf } from '../../part-of.ts';
import { withKnownBody } from '../../spool.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
} from '../../store.ts';
import { storedFields } from '../../stored-fields.ts';
import { GcsClient } from './gcs-client.ts';
import { GcsRefusal, toFailure } from './gcs-errors.ts';
import { DIGEST_METADATA, GcsPresigner, METADATA_HEADER } from './gcs-presigner.ts';
import { objectPath } from './object-path.ts';

export interface GcsStoreOptions {
  readonly bucket: string;
  /** Another endpoint than Google's own, such as a private one. */
  readonly endpoint: string | undefined;
  /**
   * Where IAM signs for credentials without a key, up to and with `/serviceAccounts/`;
   * Google's own where it is not given.
   */
  readonly iamEndpoint?: string | undefined;
  /** Whether a probe asks for the right to read alone, or to write too; that is the default. */
  readonly probes?: 'reads' | undefined;
  /** The time signed URLs count from. */
  readonly clock?: Clock;
}

/** What a driver needs that reads, with the role that holds it, and one that writes. */
const READING = { role: 'roles/storage.objectViewer', verbs: ['get', 'list'] };
const WRITING = { role: 'roles/storage.objectUser', verbs: ['create', 'delete', 'get', 'list'] };

/**
 * A bucket of Google Cloud Storage. Objects are read and written through the XML API
 * (https://cloud.google.com/storage/docs/xml-api/overview), as signed URLs are; listings and
 * permissions come from the JSON API. Credentials are Google's Application Default
 * Credentials: a file, workload identity federation, the metadata server.
 */
export class GcsStore implements ObjectStore {
  readonly driver = 'gcs';
  readonly capabilities = { conditionalPut: true, presign: 'exact' } as const;
  readonly #client: GcsClient;
  readonly #bucket: string;
  readonly #presigner: GcsPresigner;
  readonly #needed: typeof READING;

  constructor({ bucket, endpoint, iamEndpoint, probes, clock = systemClock }: GcsStoreOptions) {
    this.#bucket = bucket;
    this.#needed = probes === 'reads' ? READING : WRITING;
    this.#client = new GcsClient(endpoint, clock);
    this.#presigner = new GcsPresigner(this.#client, bucket, clock, iamEndpoint);
  }

  head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#orMiss(`look at ${key}`, async () => {
      const reply = await this.#client.send({ method: 'HEAD', ...this.#asStored(key), signal });
      drop(reply);
      return toFacts(reply.headers);
    });
  }

  get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#orMiss(`read ${key}`, async () => {
      try {
        const reply = await this.#client.send({ method: 'GET', ...this.#asStored(key, range), signal });
        const part = partOf(reply.headers['content-range']);
        return { facts: toFacts(reply.headers), span: part?.span ?? 'whole', body: reply };
      } catch (error) {
        if (statusOf(error) === 416) return 'unsatisfiable';
        throw error;
      }
    });
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return withKnownBody(body, options, ({ sizeBytes, digest, read }) =>
      this.#putOnce(key, read(), { ...options, sizeBytes, digest }),
    );
  }

  async #putOnce(
    key: ObjectKey,
    body: Readable | Uint8Array,
    {
      ifAbsent,
      sizeBytes,
      digest,
      contentType,
      fields,
      metadata,
      signal,
    }: PutOptions & { sizeBytes: number },
  ): Promise<PutOutcome> {
    const facts = { ...metadata, ...(digest === undefined ? {} : { [DIGEST_METADATA]: digest }) };
    const headers = {
      'content-length': String(sizeBytes),
      'content-type': contentType ?? 'application/octet-stream',
      ...fields,
      // The object's generation is 0 as long as there is none: GCS decides in one step.
      ...(ifAbsent ? { 'x-goog-if-generation-match': '0' } : {}),
      ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [METADATA_HEADER + name, value])),
    };
    let broken: Error | undefined;
    if (body instanceof Readable) body.once('error', (error) => (broken ??= error));
    try {
      const path = objectPath(this.#bucket, key);
      drop(await this.#client.send({ method: 'PUT', path, headers, body, signal }));
      return 'stored';
    } catch (error) {
      if (ifAbsent && statusOf(error) === 412) return 'exists';
      // The body's own failure, not what became of the request by it.
      throw broken ?? toFailure(`store ${key}`, error);
    } finally {
      if (body instanceof Readable) body.destroy();
    }
  }

  async delete(key: ObjectKey): Promise<void> {
    const path = objectPath(this.#bucket, key);
    await this.#orMiss(`delete ${key}`, async () =>
      drop(await this.#client.send({ method: 'DELETE', path })),
    );
  }

  async *list({ prefix, after }: ListOptions): AsyncIterable<ListedObject> {
    let pageToken: string | undefined;
    do {
      const page = await this.#page({ prefix, startOffset: after, pageToken }).catch((error: unknown) => {
        throw toFailure(`list "${prefix}"`, error);
      });
      for (const { name, size, updated } of page.items ?? []) {
        const key = asObjectKey(name);
        if (!key || key === after) continue; // `startOffset` is inclusive
        yield { key, sizeBytes: Number(size), modifiedAt: Date.parse(updated) };
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest> {
    try {
      return await this.#presigner.presign(key, request);
    } catch (error) {
      throw toFailure(`sign a URL for ${key}`, error);
    }
  }

  async probe(signal?: AbortSignal): Promise<void> {
    try {
      await this.#page({ maxResults: '1' }, signal);
      await this.#assertPermitted(signal);
    } catch (error) {
      if (statusOf(error) === 404) {
        throw new VelocityError('STORAGE_UNAVAILABLE', `The bucket "${this.#bucket}" does not exist.`, {
          cause: error,
        });
      }
      throw toFailure(`use the bucket "${this.#bucket}"`, error);
    }
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** A role that reads only would be found out by the first upload otherwise. Asking needs no permission. */
  async #assertPermitted(signal: AbortSignal | undefined): Promise<void> {
    const needed = this.#needed.verbs.map((verb) => `storage.objects.${verb}`);
    const query = needed.map((permission) => `permissions=${permission}`).join('&');
    const path = `/storage/v1/b/${escapeUri(this.#bucket)}/iam/testPermissions?${query}`;
    const { permissions = [] } = (await this.#client.json({ method: 'GET', path, signal })) as Permitted;
    const missing = needed.filter((permission) => !permissions.includes(permission));
    if (missing.length === 0) return;
    throw new VelocityError(
      'STORAGE_FAILED',
      `The credentials lack ${missing.join(', ')} on the bucket "${this.#bucket}": grant them ${this.#needed.role} there.`,
    );
  }

  async #page(query: Record<string, string | undefined>, signal?: AbortSignal): Promise<Page> {
    const fields = { ...query, fields: 'items(name,size,updated),nextPageToken' };
    const search = Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => `${name}=${escapeUri(String(value))}`)
      .join('&');
    const path = `/storage/v1/b/${escapeUri(this.#bucket)}/o?${search}`;
    return (await this.#client.json({ method: 'GET', path, signal })) as Page;
  }

  /**
   * Asks for the bytes as they are stored: without `gzip` GCS would unpack an object of that content
   * encoding and ignore the range (https://cloud.google.com/storage/docs/transcoding).
   */
  #asStored(key: ObjectKey, range?: ByteRange): { path: string; headers: Record<string, string> } {
    const path = objectPath(this.#bucket, key);
    return {
      path,
      headers: { 'accept-encoding': 'gzip', ...(range ? { range: formatByteRange(range) } : {}) },
    };
  }

  async #orMiss<T>(doing: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (statusOf(error) === 404 && !isNoSuchBucket(error)) return undefined;
      throw toFailure(doing, error);
    }
  }
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects/list */
interface Page {
  readonly items?: readonly { readonly name: string; readonly size: string; readonly updated: string }[];
  readonly nextPageToken?: string;
}

/** https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions */
interface Permitted {
  readonly permissions?: readonly string[];
}

/** https://cloud.google.com/storage/docs/xml-api/reference-headers */
function toFacts(headers: IncomingHttpHeaders): ObjectFacts {
  const metadata = Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(METADATA_HEADER))
      .map(([name, value]) => [name.slice(METADATA_HEADER.length), String(value)]),
  );
  const { [DIGEST_METADATA]: digest = '', ...rest } = metadata;
  return {
    sizeBytes: Number(headers['x-goog-stored-content-length'] ?? headers['content-length'] ?? 0),
    digest: parseDigest(digest),
    contentType: headers['content-type'],
    fields: storedFields(headers),
    // Unlike the ETag it is the same in every answer about the object.
    etag: String(headers['x-goog-generation'] ?? headers.etag).replaceAll('"', ''),
    modifiedAt: Date.parse(headers['last-modified'] ?? '') || 0,
    metadata: rest,
  };
}

/** Reads an answer that has nothing to say to its end, so that its connection is free again. */
function drop(reply: IncomingMessage): void {
  reply.resume();
}

function statusOf(error: unknown): number | undefined {
  return error instanceof GcsRefusal ? error.status : undefined;
}

function isNoSuchBucket(error: unknown): boolean {
  return error instanceof GcsRefusal && error.reason === 'NoSuchBucket';
}
