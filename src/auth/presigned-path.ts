import { type KeyObject, sign, verify } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import { privateKeyObject, publicKeyObject } from './presign-keys.ts';

export const PRESIGNED_METHODS = ['GET', 'HEAD', 'PUT'] as const;
export type PresignedMethod = (typeof PRESIGNED_METHODS)[number];

/** The one request that a signature opens: GET opens no HEAD, and no path those below it. */
export interface PresignedPath {
  readonly method: PresignedMethod;
  readonly bucket: string;
  /** What follows `/{bucket}/` in the URL, decoded. */
  readonly path: string;
}

/**
 * Why a signature does not open a request. `malformed`: it is not one, or says what this version does not know.
 * `other-request`: it is a good one, for another method, bucket or path.
 */
export type PresignRefusal =
  | 'malformed'
  | 'bad-signature'
  | 'unsupported-version'
  | 'other-request'
  | 'expired';

export interface PresignGrant {
  /** Milliseconds since the epoch, from which on it opens nothing. */
  readonly expiresAt: number;
}

const VERSION = 1;
const FIELDS = 5;
/** Longer than the payload of any path that fits a URL; what is longer is not looked at. */
const MAX_SIG_LENGTH = 16 * 1024;
const SIGNATURE_BYTES = 64;

/**
 * The `sig` of a presigned URL, `{payload}.{signature}`: both in base64url without padding, the payload JSON, the
 * signature Ed25519 over the payload's bytes.
 *
 *     {"v":1,"exp":<Unix seconds>,"m":"GET","b":"<bucket>","p":"<decoded path>"}
 *
 * @param expiresAt milliseconds since the epoch; what is left of a second is given
 */
export function signPath(
  { method, bucket, path }: PresignedPath,
  expiresAt: number,
  privateKey: Secret,
): string {
  const fields = { v: VERSION, exp: Math.ceil(expiresAt / 1000), m: method, b: bucket, p: path };
  const payload = Buffer.from(JSON.stringify(fields));
  const signature = sign(null, payload, privateKeyObject(privateKey));
  return `${payload.toString('base64url')}.${signature.toString('base64url')}`;
}

/** What a payload says. */
interface Terms extends PresignGrant {
  readonly method: string;
  readonly bucket: string;
  readonly path: string;
}

/** Characters of signatures that are remembered: some ten thousand of usual length. */
const REMEMBERED_CHARS = 4 * 1024 * 1024;

/**
 * Checks presigned URLs with the public key alone. A signature that was found good is remembered until it expires, so
 * that a URL asked for again and again costs one verification, which takes longer than all else here; what it says is
 * held against each request all the same.
 */
export class PresignedPaths {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #maxChars: number;
  /** By `sig`: those that were used since the others became old. */
  #recent = new Map<string, Terms>();
  #old = new Map<string, Terms>();
  /** Of the recent ones; when they are half of all that may be, they are the old ones. */
  #chars = 0;

  /** @param publicKey 32 bytes in base64url */
  constructor(publicKey: string, clock: Clock, maxChars = REMEMBERED_CHARS) {
    this.#key = publicKeyObject(publicKey);
    this.#clock = clock;
    this.#maxChars = maxChars;
  }

  /** How many signatures are remembered. */
  get remembered(): number {
    return this.#recent.size + this.#old.size;
  }

  /** What `sig` grants this request; or why it opens nothing. */
  check(sig: string, request: PresignedPath): PresignGrant | PresignRefusal {
    const recent = this.#recent.get(sig);
    const terms = recent ?? this.#old.get(sig) ?? readTerms(sig, this.#key);
    if (typeof terms === 'string') return terms;
    if (this.#clock.now() >= terms.expiresAt) {
      this.#forget(sig);
      return 'expired';
    }
    if (!recent) this.#remember(sig, terms);
    const { method, bucket, path, expiresAt } = terms;
    const isMeant = method === request.method && bucket === request.bucket && path === request.path;
    return isMeant ? { expiresAt } : 'other-request';
  }

  #remember(sig: string, terms: Terms): void {
    this.#old.delete(sig);
    if (this.#chars + sig.length > this.#maxChars / 2) {
      [this.#old, this.#recent] = [this.#recent, new Map()];
      this.#chars = 0;
    }
    this.#recent.set(sig, terms);
    this.#chars += sig.length;
  }

  #forget(sig: string): void {
    this.#old.delete(sig);
    if (this.#recent.delete(sig)) this.#chars -= sig.length;
  }
}

/** Nothing is read of a payload before its signature was found good. */
function readTerms(sig: string, key: KeyObject): Terms | PresignRefusal {
  if (sig.length > MAX_SIG_LENGTH) return 'malformed';
  const [payload, signature, ...more] = sig.split('.').map(canonicalBytes);
  if (!payload?.length || signature?.length !== SIGNATURE_BYTES || more.length > 0) return 'malformed';
  if (!verify(null, payload, key, signature)) return 'bad-signature';
  return readPayload(payload) ?? 'malformed';
}

/** `undefined` for another spelling than the one of these bytes: padding, blanks, the other alphabet, bits left over. */
function canonicalBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** A field that is not known might be a condition, so whoever signed it is not taken to have meant less. */
function readPayload(payload: Buffer): Terms | 'unsupported-version' | undefined {
  const text = decodeUtf8(payload);
  const fields = text === undefined ? undefined : parseMap(text);
  if (text === undefined || fields === undefined) return undefined;
  const { v, exp, m: method, b: bucket, p: path } = fields;
  if (typeof v === 'number' && v !== VERSION) return 'unsupported-version';
  if (v !== VERSION || Object.keys(fields).length !== FIELDS || namesIn(text) !== FIELDS) return undefined;
  if (typeof exp !== 'number' || !Number.isSafeInteger(exp * 1000) || exp < 0 || !Number.isInteger(exp))
    return undefined;
  if (typeof bucket !== 'string' || typeof path !== 'string') return undefined;
  if (!PRESIGNED_METHODS.some((known) => known === method)) return undefined;
  return { method: method as PresignedMethod, bucket, path, expiresAt: exp * 1000 };
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // not UTF-8; whoever asked is told that the URL is malformed
  }
}

function parseMap(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // not JSON, as above
  }
}

/** The names in a JSON text, each as often as it stands there: of one that stands twice, readers differ in which they believe. */
function namesIn(json: string): number {
  return json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g).reduce((count, [, colon]) => count + (colon ? 1 : 0), 0);
}
