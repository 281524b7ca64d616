import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Digest, parseDigest } from '../base/digest.ts';
import type { Secret } from '../base/secret.ts';

/**
 * What a URL of ours allows, all of it under the signature:
 *
 *     ?exp=<Unix seconds>[&if=absent][&size=<bytes>][&sha256=<hex>][&meta=<base64url>]&sig=<HMAC-SHA256, base64url>
 *
 * The signed text is one line each for version, method, key and every term, in fixed order.
 * `meta` is JSON of one text for each name, in the order of the names. A parameter that is not a term makes the URL another URL, so it is refused.
 */
export interface BlobGrant {
  readonly method: 'GET' | 'PUT';
  readonly key: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** PUT: the write happens only where the key holds nothing. */
  readonly ifAbsent: boolean;
  /** PUT: exactly this many bytes. */
  readonly sizeBytes?: number | undefined;
  /** PUT: exactly these bytes. */
  readonly digest?: Digest | undefined;
  /** PUT: kept with the object. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export type BlobUrlRefusal = 'unsigned' | 'malformed' | 'bad-signature' | 'expired';

const VERSION = 'velocity-blob-url-v2';
const TERMS = new Set(['exp', 'if', 'size', 'sha256', 'meta', 'sig']);

/** Signs and checks the URLs that open single blobs of the local store. */
export class BlobUrls {
  /** A key object is made ready once; from a buffer every signature would do so again, at seven times the cost. */
  readonly #key: KeyObject;

  /** Servers with the same secret open each other's URLs, so replicas need share nothing else. */
  constructor(secret: Secret) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret.reveal(), '', VERSION, 32)));
  }

  /** The query, without its question mark. */
  sign(grant: BlobGrant): string {
    const terms = new URLSearchParams({ exp: String(grant.expiresAt) });
    if (grant.ifAbsent) terms.set('if', 'absent');
    if (grant.sizeBytes !== undefined) terms.set('size', String(grant.sizeBytes));
    if (grant.digest !== undefined) terms.set('sha256', grant.digest);
    if (grant.metadata !== undefined) terms.set('meta', encodeMetadata(grant.metadata));
    terms.set('sig', this.#signature(grant));
    return terms.toString();
  }

  /** The grant of a request's query, for this method and key; or why it opens nothing. */
  check(method: 'GET' | 'PUT', key: string, query: string, nowMs: number): BlobGrant | BlobUrlRefusal {
    const terms = new URLSearchParams(query);
    const signature = terms.get('sig');
    if (signature === null) return 'unsigned';
    const grant = readGrant(method, key, terms);
    if (grant === undefined) return 'malformed';

    // The texts are compared, not the bytes they spell: base64 has several spellings of the same bytes.
    const expected = Buffer.from(this.#signature(grant));
    const presented = Buffer.from(signature);
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return 'bad-signature';
    return nowMs < grant.expiresAt * 1000 ? grant : 'expired';
  }

  #signature({ method, key, expiresAt, ifAbsent, sizeBytes, digest, metadata }: BlobGrant): string {
    const text = [
      VERSION,
      method,
      key,
      expiresAt,
      ifAbsent ? 'absent' : '',
      sizeBytes ?? '',
      digest ?? '',
      metadata === undefined ? '' : encodeMetadata(metadata),
    ].join('\n');
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

function readGrant(method: 'GET' | 'PUT', key: string, terms: URLSearchParams): BlobGrant | undefined {
  const names = [...terms.keys()];
  if (names.some((name) => !TERMS.has(name)) || new Set(names).size !== names.length) return undefined;
  const expiresAt = readNumber(terms.get('exp'));
  const [condition, size, sha256] = [terms.get('if'), terms.get('size'), terms.get('sha256')];
  const meta = terms.get('meta');
  const sizeBytes = size === null ? undefined : readNumber(size);
  const digest = sha256 === null ? undefined : parseDigest(sha256);
  const metadata = meta === null ? undefined : decodeMetadata(meta);
  if (expiresAt === undefined || (condition !== null && condition !== 'absent')) return undefined;
  if ((size !== null && sizeBytes === undefined) || (sha256 !== null && digest === undefined))
    return undefined;
  if (meta !== null && metadata === undefined) return undefined;
  return { method, key, expiresAt, ifAbsent: condition === 'absent', sizeBytes, digest, metadata };
}

function encodeMetadata(metadata: Readonly<Record<string, string>>): string {
  const inOrder = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(Object.fromEntries(inOrder))).toString('base64url');
}

/** `undefined` for what `encodeMetadata` did not write: every metadata has one spelling. */
function decodeMetadata(encoded: string): Readonly<Record<string, string>> | undefined {
  try {
    const metadata: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return undefined;
    const isText = Object.values(metadata).every((value) => typeof value === 'string');
    if (!isText || encodeMetadata(metadata as Record<string, string>) !== encoded) return undefined;
    return metadata as Record<string, string>;
  } catch {
    return undefined; // not JSON; whoever asked is told that the URL is malformed
  }
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
