import type { BlobUrls } from '../../auth/blob-url.ts';
import type { Clock } from '../../base/clock.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectStore, PresignedRequest, PresignRequest } from '../../storage/store.ts';

export const BLOB_PATH = '/v1/proxy/blob/';

export interface Signing {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  readonly clock: Clock;
}

/**
 * Straight to the storage where it can presign, else through this server, on the same terms.
 * @param origin how the client reaches this server: `https://cache.example`
 */
export async function signRequest(
  { store, urls, clock }: Signing,
  key: ObjectKey,
  request: PresignRequest,
  origin: string,
): Promise<PresignedRequest> {
  const signed = await store.presign(key, request);
  if (signed) return signed;
  const { method, ttlSeconds, ifAbsent = false, sizeBytes, digest, metadata } = request;
  const expiresAt = Math.floor(clock.now() / 1000) + ttlSeconds;
  const query = urls.sign({ method, key, expiresAt, ifAbsent, sizeBytes, digest, metadata });
  const headers = {
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
    ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }),
  };
  return { url: `${origin}${BLOB_PATH}${encodeURI(key)}?${query}`, method, headers };
}
