/**
 * The messages of `POST /v1/negotiate`, shared by the runner's client and the
 * build-cache door. The bytes themselves never pass here: a reply names the request
 * that moves them, straight to the storage where it can be reached.
 */
import type { CacheKey } from '../base/cache-key.ts';
import { type Digest, parseDigest } from '../base/digest.ts';
import { isScopeName } from '../base/scope-name.ts';
import { type ArtifactSignature, parseArtifactSignature } from './artifact-signature.ts';
import { type Provenance, parseProvenance } from './provenance.ts';
import { isTextMap } from './text-map.ts';

export const NEGOTIATE_PATH = '/v1/negotiate';
/** Objects of the build cache are named `objects/{hash}`, in scopes of their own below those. */
export const OBJECT_KEY_PREFIX = 'objects/';
export const MAX_BATCH_ITEMS = 1_000;

export type NegotiateItem =
  | {
      readonly hash: CacheKey;
      /** `replace`: takes the place of what is stored; for admins, with digest and size, and never in a batch. */
      readonly action: 'upload' | 'replace';
      /** SHA-256 and length of the body to come: kept with it, and bound into the URL. */
      readonly digest?: Digest | undefined;
      readonly size?: number | undefined;
      /** What the uploader has checked out (`isCommit`): told to whoever finds it. */
      readonly commit?: string | undefined;
      /** Kept with the body, and given to whoever finds it. */
      readonly signature?: ArtifactSignature | undefined;
    }
  | { readonly hash: CacheKey; readonly action: 'download' }
  /**
   * A download of this key was not what its digest says. The server, which has not seen those bytes, reads
   * the object itself, removes it where it is damaged, and answers as to a download.
   */
  | { readonly hash: CacheKey; readonly action: 'verify' };

type Found = NegotiateReply & { status: 'found' };

export type NegotiateReply =
  | {
      readonly status: 'upload_needed';
      readonly url: string;
      readonly method: 'PUT';
      /** To be sent exactly so: the first-write condition is among them. */
      readonly headers: Readonly<Record<string, string>>;
    }
  /** Somebody stored this key already; there is nothing to do. */
  | { readonly status: 'skipped' }
  | {
      readonly status: 'found';
      readonly url: string;
      readonly method: 'GET';
      /** Bytes. */
      readonly size: number;
      /** SHA-256 of the bytes; absent where the uploader did not announce it and the storage did not measure it. */
      readonly digest?: Digest;
      /** Absent where none was recorded. */
      readonly provenance?: Provenance;
      /** Absent where the uploader did not sign; else with it where the object was found. */
      readonly signature?: ArtifactSignature;
      readonly tenant?: string;
      readonly scope?: string;
    }
  | { readonly status: 'missing' }
  /** To an upload: the token writes nothing. Of an item in a batch; a question for one item is answered 403. */
  | { readonly status: 'forbidden' };

/** Reads one reply off the wire; `undefined` where it is none of these forms. */
export function parseNegotiateReply(raw: unknown): NegotiateReply | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { status, url, method, headers, size } = raw as Record<string, unknown>;
  switch (status) {
    case 'skipped':
    case 'missing':
    case 'forbidden':
      return { status };
    case 'upload_needed':
      if (typeof url !== 'string' || method !== 'PUT' || !isTextMap(headers)) return undefined;
      return { status, url, method, headers };
    case 'found':
      if (typeof url !== 'string' || method !== 'GET' || !isByteCount(size)) return undefined;
      return { status, url, method, size, ...knownOf(raw) };
    default:
      return undefined;
  }
}

/** Reads the reply to a batch; `undefined` where it does not answer each item in order. */
export function parseNegotiateReplies(raw: unknown, count: number): NegotiateReply[] | undefined {
  if (typeof raw !== 'object' || raw === null || !('items' in raw) || !Array.isArray(raw.items))
    return undefined;
  const replies = raw.items.flatMap((item: unknown) => parseNegotiateReply(item) ?? []);
  return replies.length === count && raw.items.length === count ? replies : undefined;
}

type Known = Pick<Found, 'digest' | 'provenance' | 'signature' | 'tenant' | 'scope'>;

/** What is known of a find besides its place. A part that is malformed is as good as absent, and the find stands. */
function knownOf(raw: object): Known {
  const { digest, provenance, signature, tenant, scope } = raw as Record<string, unknown>;
  const parsedDigest = typeof digest === 'string' ? parseDigest(digest) : undefined;
  const parsedProvenance = parseProvenance(provenance);
  const parsedSignature = typeof signature === 'string' ? parseArtifactSignature(signature) : undefined;
  return {
    ...(parsedDigest === undefined ? {} : { digest: parsedDigest }),
    ...(parsedProvenance === undefined ? {} : { provenance: parsedProvenance }),
    ...(parsedSignature !== undefined && isName(tenant) && isName(scope)
      ? { signature: parsedSignature, tenant, scope }
      : {}),
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && isScopeName(value);
}

function isByteCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
