/** What is known of an object, as a blob's properties, headers and metadata. */
import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse } from '@azure/storage-blob';
import { parseDigest } from '../../../base/digest.ts';
import type { ObjectFacts, PutOptions } from '../../store.ts';
import { fromAzureName, toAzureName } from './metadata-names.ts';

/** Where the body's SHA-256 is kept with the object: `x-ms-meta-sha256`. */
const DIGEST_METADATA = 'sha256';

/** What a write sends along. */
export function termsOf({ ifAbsent, contentType, ...known }: PutOptions) {
  return {
    blobHTTPHeaders: { blobContentType: contentType ?? 'application/octet-stream' },
    metadata: metadataOf(known),
    conditions: ifAbsent ? { ifNoneMatch: '*' } : {},
  };
}

/** Metadata under names that Azure takes, the digest among it. */
export function metadataOf({
  metadata = {},
  digest,
}: Pick<PutOptions, 'metadata' | 'digest'>): Record<string, string> {
  const kept = Object.entries(metadata).map(([name, value]) => [toAzureName(name), value]);
  return { ...Object.fromEntries(kept), ...(digest === undefined ? {} : { [DIGEST_METADATA]: digest }) };
}

export function toFacts(reply: BlobGetPropertiesResponse | BlobDownloadResponseParsed): ObjectFacts {
  const { [DIGEST_METADATA]: digest = '', ...metadata } = reply.metadata ?? {};
  const total = 'contentRange' in reply ? totalOf(reply.contentRange) : undefined;
  return {
    sizeBytes: total ?? reply.contentLength ?? 0,
    digest: parseDigest(digest),
    contentType: reply.contentType,
    etag: (reply.etag ?? '').replaceAll('"', ''),
    modifiedAt: reply.lastModified?.getTime() ?? 0,
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [fromAzureName(name), value]),
    ),
  };
}

/** `bytes 0-9/1000` → 1000. */
function totalOf(contentRange: string | undefined): number | undefined {
  const total = /\/(\d+)$/.exec(contentRange ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}
