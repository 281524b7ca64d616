import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner';
import type { Clock } from '../../../base/clock.ts';
import { escapeUri, escapeUriPath } from '../../escape-uri.ts';
import type { ObjectKey } from '../../object-key.ts';
import type { PresignedRequest, PresignRequest } from '../../store.ts';

const METADATA_HEADER = 'x-amz-meta-';
/** Where the body's SHA-256 is kept with the object: `x-amz-meta-sha256`. */
export const DIGEST_METADATA = 'sha256';

/** Stands in for a key while the SDK is asked where objects live. */
const PLACEHOLDER_KEY = 'placeholder-key';

/** Where the bucket's objects live: all that the URL of an object needs besides its key. */
interface BucketAddress {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  /** `/bucket/` in path style, `/` else. */
  readonly pathPrefix: string;
}

/**
 * Signs URLs with the vendor's signer alone. The SDK's `getSignedUrl` runs the whole
 * command pipeline for each URL; here it runs once, to learn the bucket's address
 * (regions, partitions and path style are its business), and after that only the signature is made.
 */
export class S3Presigner {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #signer: S3RequestPresigner;
  readonly #clock: Clock;
  #address: Promise<BucketAddress> | undefined;

  constructor(client: S3Client, bucket: string, clock: Clock) {
    this.#clock = clock;
    this.#client = client;
    this.#bucket = bucket;
    this.#signer = new S3RequestPresigner({ ...client.config });
  }

  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest> {
    const { protocol, hostname, port, pathPrefix } = await this.#bucketAddress();
    const headers = signedHeaders(request);
    const path = pathPrefix + escapeUriPath(key);
    const signed = await this.#signer.presign(
      {
        method: request.method,
        protocol,
        hostname,
        ...(port === undefined ? {} : { port }),
        path,
        query: {},
        headers: { ...headers },
      },
      // Kept as headers, not moved into the query: whoever uses the URL must send them, exactly so.
      {
        signingDate: new Date(this.#clock.now()),
        expiresIn: request.ttlSeconds,
        unhoistableHeaders: new Set(Object.keys(headers)),
      },
    );
    const query = Object.entries(signed.query ?? {})
      .map(([name, value]) => `${escapeUri(name)}=${escapeUri(String(value))}`)
      .join('&');
    const authority = port === undefined ? hostname : `${hostname}:${port}`;
    return { url: `${protocol}//${authority}${path}?${query}`, method: request.method, headers };
  }

  #bucketAddress(): Promise<BucketAddress> {
    // A failure (no credentials yet, say) is not kept: the next URL asks again.
    this.#address ??= this.#askForAddress().catch((error: unknown) => {
      this.#address = undefined;
      throw error;
    });
    return this.#address;
  }

  async #askForAddress(): Promise<BucketAddress> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: PLACEHOLDER_KEY });
    const url = new URL(await getSignedUrl(this.#client, command));
    return {
      protocol: url.protocol,
      hostname: url.hostname,
      port: url.port === '' ? undefined : Number(url.port),
      pathPrefix: url.pathname.slice(0, -PLACEHOLDER_KEY.length),
    };
  }
}

function signedHeaders(request: PresignRequest): Record<string, string> {
  const { method, ifAbsent, sizeBytes, digest, metadata = {} } = request;
  if (method === 'GET') return {};
  const kept = Object.entries(metadata).map(([name, value]) => [METADATA_HEADER + name, value]);
  return {
    ...Object.fromEntries(kept),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
    ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }),
    ...(digest === undefined
      ? {}
      : {
          [METADATA_HEADER + DIGEST_METADATA]: digest,
          // S3 itself refuses other bytes (BadDigest); servers that do not know the header keep it signed.
          'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64'),
        }),
  };
}
