import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type ByteRange, formatByteRange } from '../../../base/byte-range.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { parseDigest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import { KEPT_CONNECTIONS } from '../../kept-connections.ts';
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
import { isNoSuchBucket, statusOf, toFailure } from './s3-failure.ts';
import { DIGEST_METADATA, S3Presigner } from './s3-presigner.ts';

export interface S3StoreOptions {
  readonly bucket: string;
  readonly region: string;
  /** An S3-compatible server; `undefined` is AWS. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** `undefined`: from the standard AWS chain. */
  readonly credentials?: { readonly accessKey: Secret; readonly secretKey: Secret } | undefined;
  /** The time presigned URLs count from. */
  readonly clock?: Clock;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** From the last byte sent to the reply's head; long enough for a server that assembles a large upload. */
const REPLY_TIMEOUT_MS = 60_000;
const CONFLICT_ATTEMPTS = 4;

/**
 * A bucket of S3 or of a server that speaks it. Where no credentials are given they come from the standard AWS
 * chain: environment, shared files, web identity, container and instance roles.
 */
export class S3Store implements ObjectStore {
  readonly driver = 's3';
  readonly capabilities = { conditionalPut: true, presign: 'exact' } as const;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #presigner: S3Presigner;

  constructor({ bucket, region, endpoint, pathStyle, credentials, clock = systemClock }: S3StoreOptions) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials && {
        credentials: {
          accessKeyId: credentials.accessKey.reveal(),
          secretAccessKey: credentials.secretKey.reveal(),
        },
      }),
      forcePathStyle: pathStyle,
      // The SDK's default adds a checksum trailer in chunked framing, which S3-compatible servers refuse (411).
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        // As options: with an agent of ours the SDK would not wait for `100 Continue` before it sends a large body.
        httpAgent: KEPT_CONNECTIONS,
        httpsAgent: KEPT_CONNECTIONS,
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: REPLY_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
      maxAttempts: 1, // retries are the wrapper's: it knows deadlines and first writes
      // What goes wrong is thrown, and told by whoever catches it; the SDK would print it besides.
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
    });
    this.#presigner = new S3Presigner(this.#client, bucket, clock);
  }

  async head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    return this.#orMiss(`look at ${key}`, async () =>
      toFacts(await this.#client.send(command, abort(signal))),
    );
  }

  async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range ? { Range: formatByteRange(range) } : {}),
    });
    return this.#orMiss(`read ${key}`, async () => {
      try {
        const reply = await this.#client.send(command, abort(signal));
        const body = reply.Body;
        if (!(body instanceof Readable))
          throw new Error('unreachable: the Node handler answers with a Readable');
        const part = partOf(reply.ContentRange);
        return { facts: toFacts(reply, part?.sizeBytes), span: part?.span ?? 'whole', body };
      } catch (error) {
        if (statusOf(error) === 416) return 'unsatisfiable';
        throw error;
      }
    });
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return withKnownBody(body, options, async ({ sizeBytes, digest, read, isRepeatable }) => {
      const known = { ...options, sizeBytes, digest };
      for (let attempt = 1; ; attempt++) {
        const mayRepeat = isRepeatable && attempt < CONFLICT_ATTEMPTS;
        const outcome = await this.#putOnce(key, read(), known, mayRepeat);
        if (outcome !== 'conflict') return outcome;
      }
    });
  }

  async #putOnce(
    key: ObjectKey,
    body: Readable | Uint8Array,
    { ifAbsent, sizeBytes, digest, contentType, fields = {}, metadata, signal }: PutOptions,
    mayRepeat: boolean,
  ): Promise<PutOutcome | 'conflict'> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentLength: sizeBytes,
      ContentType: contentType ?? 'application/octet-stream',
      ContentEncoding: fields['content-encoding'],
      ContentLanguage: fields['content-language'],
      ContentDisposition: fields['content-disposition'],
      CacheControl: fields['cache-control'],
      Metadata: { ...metadata, ...(digest === undefined ? {} : { [DIGEST_METADATA]: digest }) },
      ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
    });
    // The SDK does not watch the body it sends: one that fails has to abort the request, or it waits for ever.
    const broken = new AbortController();
    if (body instanceof Readable) body.once('error', (error) => broken.abort(error));
    const abortSignal = signal ? AbortSignal.any([signal, broken.signal]) : broken.signal;
    try {
      await this.#client.send(command, { abortSignal });
      return 'stored';
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      if (broken.signal.aborted) throw broken.signal.reason;
      if (statusOf(error) === 412) return 'exists';
      if (statusOf(error) === 409) {
        // ConditionalRequestConflict: another writer was at it in the same moment; who won shows now.
        if (await this.head(key, signal)) return 'exists';
        if (mayRepeat) return 'conflict';
      }
      throw toFailure(`store ${key}`, error);
    }
  }

  async delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#orMiss(`delete ${key}`, () => this.#client.send(command, abort(signal)));
  }

  async *list({ prefix, after }: ListOptions): AsyncIterable<ListedObject> {
    let continuation: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        StartAfter: after,
        ContinuationToken: continuation,
      });
      const page = await this.#client.send(command).catch((error: unknown) => {
        throw toFailure(`list "${prefix}"`, error);
      });
      for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
        const key = asObjectKey(Key);
        if (key) yield { key, sizeBytes: Size ?? 0, modifiedAt: LastModified?.getTime() ?? 0 };
      }
      continuation = page.NextContinuationToken;
    } while (continuation !== undefined);
  }

  presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest> {
    return this.#presigner.presign(key, request);
  }

  async probe(signal?: AbortSignal): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), abort(signal));
    } catch (error) {
      if (statusOf(error) === 404) {
        throw new VelocityError('STORAGE_UNAVAILABLE', `The bucket "${this.#bucket}" does not exist.`, {
          cause: error,
        });
      }
      throw toFailure(`reach the bucket "${this.#bucket}"`, error);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
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

function abort(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

function toFacts(reply: HeadObjectCommandOutput, wholeBytes = reply.ContentLength): ObjectFacts {
  const { [DIGEST_METADATA]: digest = '', ...metadata } = reply.Metadata ?? {};
  return {
    sizeBytes: wholeBytes ?? 0,
    digest: parseDigest(digest),
    contentType: reply.ContentType,
    fields: storedFields({
      'content-encoding': reply.ContentEncoding,
      'content-language': reply.ContentLanguage,
      'content-disposition': reply.ContentDisposition,
      'cache-control': reply.CacheControl,
    }),
    etag: (reply.ETag ?? '').replaceAll('"', ''),
    modifiedAt: reply.LastModified?.getTime() ?? 0,
    metadata,
  };
}
