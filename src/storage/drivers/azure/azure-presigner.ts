import {
  BlobSASPermissions,
  type BlobSASSignatureValues,
  generateBlobSASQueryParameters,
  SASProtocol,
  type StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { Clock } from '../../../base/clock.ts';
import type { ObjectKey } from '../../object-key.ts';
import type { PresignedRequest, PresignRequest } from '../../store.ts';
import { metadataOf } from './blob-facts.ts';
import { DelegationKeys, LONGEST_DELEGATION_MS } from './delegation-keys.ts';

/**
 * The largest body of one Put Blob; larger ones are sent in blocks, which one URL cannot open.
 * https://learn.microsoft.com/rest/api/storageservices/put-blob#remarks
 */
export const PUT_BLOB_BYTES = 5_000 * 1024 * 1024;

/**
 * Held here, so that a newer SDK changes no signature unnoticed. Azure serves a request under a SAS by this version.
 * https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services
 */
const SAS_VERSION = '2025-11-05';

export interface AzurePresignerOptions {
  readonly endpoint: string;
  readonly container: string;
  /** The account's key, or keys that an identity is given. */
  readonly signer: StorageSharedKeyCredential | DelegationKeys;
  readonly clock: Clock;
}

/**
 * Signs URLs as shared access signatures of one blob. What they bind is the key, the expiry and one permission:
 * `r` reads; `c` creates and can never overwrite, whatever headers come with it; `w` creates and overwrites.
 * https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-directory-container-or-blob
 */
export class AzurePresigner {
  readonly #options: AzurePresignerOptions;

  constructor(options: AzurePresignerOptions) {
    this.#options = options;
  }

  /** `undefined` for a body too large for one request. Fetches a delegation key where none is at hand. */
  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    const { method, ifAbsent, sizeBytes = 0 } = request;
    if (method === 'PUT' && sizeBytes > PUT_BLOB_BYTES) return undefined;
    const { endpoint, container } = this.#options;
    const query = await this.#sign(this.#expiryOf(request), {
      containerName: container,
      blobName: key,
      permissions: BlobSASPermissions.parse(method === 'GET' ? 'r' : ifAbsent ? 'c' : 'w'),
      ...(endpoint.startsWith('https:') ? { protocol: SASProtocol.Https } : {}),
    });
    const path = key.split('/').map(encodeURIComponent).join('/');
    return { url: `${endpoint}/${container}/${path}?${query}`, method, headers: headersOf(request) };
  }

  /** Resolves where URLs can be signed. */
  async probe(): Promise<void> {
    const { signer, clock } = this.#options;
    if (signer instanceof DelegationKeys) await signer.goodUntil(clock.now());
  }

  #expiryOf({ ttlSeconds }: PresignRequest): number {
    const { signer, clock } = this.#options;
    const ttlMs = ttlSeconds * 1000;
    return clock.now() + (signer instanceof DelegationKeys ? Math.min(ttlMs, LONGEST_DELEGATION_MS) : ttlMs);
  }

  async #sign(expiresAt: number, terms: BlobSASSignatureValues): Promise<string> {
    const { signer } = this.#options;
    const values = { ...terms, expiresOn: new Date(expiresAt), version: SAS_VERSION };
    const signed =
      signer instanceof DelegationKeys
        ? generateBlobSASQueryParameters(values, await signer.goodUntil(expiresAt), signer.account)
        : generateBlobSASQueryParameters(values, signer);
    return signed.toString();
  }
}

/** None of them is part of a SAS: `x-ms-blob-type` Azure demands, the others are the uploader's to keep. */
function headersOf({ method, ifAbsent, ...known }: PresignRequest): Record<string, string> {
  if (method === 'GET') return {};
  const kept = Object.entries(metadataOf(known)).map(([name, value]) => [`x-ms-meta-${name}`, value]);
  return {
    'x-ms-blob-type': 'BlockBlob',
    ...Object.fromEntries(kept),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
}
