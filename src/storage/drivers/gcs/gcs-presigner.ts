import { createPrivateKey, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '../../../base/clock.ts';
import { digestOf } from '../../../base/digest.ts';
import { escapeUri } from '../../escape-uri.ts';
import type { ObjectKey } from '../../object-key.ts';
import type { PresignedRequest, PresignRequest } from '../../store.ts';
import type { GcsClient } from './gcs-client.ts';
import { CredentialsFailure } from './gcs-errors.ts';
import { objectPath } from './object-path.ts';

/** Begins the names of headers that are kept with the object. */
export const METADATA_HEADER = 'x-goog-meta-';
/** Where the body's SHA-256 is kept with the object: `x-goog-meta-sha256`. */
export const DIGEST_METADATA = 'sha256';

const ALGORITHM = 'GOOG4-RSA-SHA256';

interface Signer {
  readonly email: string;
  /** RSA-SHA256 of the text. */
  sign(text: string): Promise<Buffer>;
}

const signInThreadPool = promisify(sign);

/**
 * V4 signed URLs, path style (https://cloud.google.com/storage/docs/authentication/signatures).
 * With a service account key the signature is made here: parsing the key once, in the thread pool,
 * where the SDK's `getSignedUrl` parses it for each URL on the main thread. With other
 * credentials IAM signs (`signBlob`), one round trip a URL.
 */
export class GcsPresigner {
  readonly #client: GcsClient;
  readonly #bucket: string;
  readonly #clock: Clock;
  readonly #iamEndpoint: string | undefined;
  #signer: Promise<Signer> | undefined;

  constructor(client: GcsClient, bucket: string, clock: Clock, iamEndpoint: string | undefined) {
    this.#client = client;
    this.#bucket = bucket;
    this.#clock = clock;
    this.#iamEndpoint = iamEndpoint;
  }

  /** @throws CredentialsFailure where the credentials cannot sign. */
  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest> {
    const signer = await this.#openSigner();
    const { host, origin } = this.#client.endpoint;
    const headers = signedHeaders(request);
    const signed = Object.entries({ host, ...headers }).sort(([a], [b]) => (a < b ? -1 : 1));
    const names = signed.map(([name]) => name).join(';');
    const time = new Date(this.#clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
    const path = objectPath(this.#bucket, key);
    const query = Object.entries({
      'X-Goog-Algorithm': ALGORITHM,
      'X-Goog-Credential': `${signer.email}/${scope}`,
      'X-Goog-Date': time,
      'X-Goog-Expires': String(request.ttlSeconds),
      'X-Goog-SignedHeaders': names,
    })
      .map(([name, value]) => `${name}=${escapeUri(value)}`)
      .join('&');
    const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
    const canonical = [request.method, path, query, lines, names, 'UNSIGNED-PAYLOAD'].join('\n');
    const signature = await signer.sign([ALGORITHM, time, scope, digestOf(canonical)].join('\n'));
    const url = `${origin}${path}?${query}&X-Goog-Signature=${signature.toString('hex')}`;
    return { url, method: request.method, headers };
  }

  #openSigner(): Promise<Signer> {
    // A failure (no credentials yet, say) is not kept: the next URL asks again.
    this.#signer ??= this.#findSigner().catch((error: unknown) => {
      this.#signer = undefined;
      throw error;
    });
    return this.#signer;
  }

  async #findSigner(): Promise<Signer> {
    const { auth } = this.#client;
    const { client_email: email, private_key: pem } = await this.#client.credentials(() =>
      auth.getCredentials(),
    );
    if (email === undefined) {
      throw new CredentialsFailure('only credentials of a service account can sign URLs', false);
    }
    if (pem !== undefined) {
      const key = createPrivateKey(pem);
      return { email, sign: (text) => signInThreadPool('sha256', Buffer.from(text), key) };
    }
    return {
      email,
      sign: async (text) => {
        const signature = await this.#client.credentials(() => auth.sign(text, this.#iamEndpoint));
        return Buffer.from(signature, 'base64');
      },
    };
  }
}

/** What a PUT's user must send. GCS refuses a request with an `x-goog-` header that is not among those signed. */
function signedHeaders(request: PresignRequest): Record<string, string> {
  const { method, ifAbsent, sizeBytes, digest, metadata = {} } = request;
  if (method === 'GET') return {};
  const kept = Object.entries(metadata).map(([name, value]) => [METADATA_HEADER + name, value]);
  return {
    ...Object.fromEntries(kept),
    ...(ifAbsent ? { 'x-goog-if-generation-match': '0' } : {}),
    // Content-Length is not held against what was signed; this is.
    ...(sizeBytes === undefined ? {} : { 'x-goog-content-length-range': `${sizeBytes},${sizeBytes}` }),
    ...(digest === undefined ? {} : { [METADATA_HEADER + DIGEST_METADATA]: digest }),
  };
}
