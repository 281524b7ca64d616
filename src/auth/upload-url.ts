import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../base/digest.ts';
import type { Secret } from '../base/secret.ts';
import type { BlobUrlRefusal } from './blob-url.ts';

/** One upload in parts: in whose scope, of which entry, and which of those that are made for it. */
export interface UploadPlace {
  readonly tenant: string;
  readonly scope: string;
  /** SHA-256 of the entry's name. */
  readonly entry: Digest;
  readonly id: string;
}

const VERSION = 'velocity-upload-url-v1';
const TERMS: ReadonlySet<string> = new Set(['exp', 'sig']);
/** What clients of the protocol add to a URL: which part they send, and how long they want to wait. */
const ADDED: ReadonlySet<string> = new Set(['comp', 'blockid', 'timeout']);

/**
 * Signs and checks the URLs that let a client send the parts of one upload:
 *
 *     ?exp=<Unix seconds>&sig=<HMAC-SHA256, base64url>[&comp=…][&blockid=…][&timeout=…]
 *
 * The signed text is one line each for version, tenant, scope, entry, id and expiry. A URL only puts parts aside:
 * that an entry comes of them is for the token to say. So it binds neither length nor bytes.
 */
export class UploadUrls {
  readonly #key: KeyObject;

  /** Servers with the same secret open each other's URLs: the parts of one upload may come to any of them. */
  constructor(secret: Secret) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret.reveal(), '', VERSION, 32)));
  }

  /** The query, without its question mark. */
  sign(place: UploadPlace, expiresAtSeconds: number): string {
    return `exp=${expiresAtSeconds}&sig=${this.#signature(place, String(expiresAtSeconds))}`;
  }

  /** Why a request's query does not open this place; `undefined` where it does. */
  refusal(place: UploadPlace, query: URLSearchParams, nowMs: number): BlobUrlRefusal | undefined {
    const names = [...query.keys()];
    const [expiry, signature] = [query.get('exp') ?? '', query.get('sig')];
    if (signature === null) return 'unsigned';
    const isKnown = names.every((name) => TERMS.has(name) || ADDED.has(name));
    if (!isKnown || new Set(names).size !== names.length || !/^\d{1,15}$/.test(expiry)) return 'malformed';
    const [expected, presented] = [Buffer.from(this.#signature(place, expiry)), Buffer.from(signature)];
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return 'bad-signature';
    return nowMs < Number(expiry) * 1000 ? undefined : 'expired';
  }

  #signature({ tenant, scope, entry, id }: UploadPlace, expiry: string): string {
    const text = [VERSION, tenant, scope, entry, id, expiry].join('\n');
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}
