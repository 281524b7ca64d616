/** What is known of an object, as a blob's properties, headers and metadata. */
import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse } from '@azure/storage-blob';
import { parseContentRange } from '../../../base/byte-range.ts';
import { parseDigest } from '../../../base/digest.ts';
import type { ObjectFacts, PutOptions } from '../../store.ts';
import { storedFields } from '../../stored-fields.ts';
import { fromAzureName, toAzureName } from './metadata-names.ts';

/** Where the body's SHA-256 is kept with the object: `x-ms-meta-sha256`. */
const DIGEST_METADATA = 'sha256';

/** What a write sends along. */
export function termsOf({ ifAbsent, contentType, fields = {}, ...known }: PutOptions) {
  return {
    blobHTTPHeaders: {
      blobContentType: contentType ?? 'application/octet-stream',
      ...present({
        blobContentEncoding: fields['content-encoding'],
        blobContentLanguage: fields['content-language'],
        blobContentDisposition: fields['content-disposition'],
        blobCacheControl: fields['cache-control'],
      }),
    },
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
  // The length alone is taken from it: Azurite says `bytes 10-9/10` of a range that lies outside, where Azure says 416.
  const part = 'contentRange' in reply ? parseContentRange(reply.contentRange ?? '') : undefined;
  return {
    sizeBytes: part?.sizeBytes ?? reply.contentLength ?? 0,
    digest: parseDigest(digest),
    contentType: reply.contentType,
    fields: storedFields({
      'content-encoding': reply.contentEncoding,
      'content-language': reply.contentLanguage,
      'content-disposition': reply.contentDisposition,
      'cache-control': reply.cacheControl,
    }),
    etag: (reply.etag ?? '').replaceAll('"', ''),
    modifiedAt: reply.lastModified?.getTime() ?? 0,
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [fromAzureName(name), value]),
    ),
  };
}

function present<T extends string>(
  values: Readonly<Record<T, string | undefined>>,
): Partial<Record<T, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<T, string>
  >;
}
