import type { Readable } from 'node:stream';
import type { ByteRange, ByteSpan } from '../base/byte-range.ts';
import type { Digest } from '../base/digest.ts';
import type { ObjectKey } from './object-key.ts';
import type { StoredFields } from './stored-fields.ts';

/** What is known of a stored object without reading it. */
export interface ObjectFacts {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes; `undefined` where whoever stored them did not say and nobody measured. */
  readonly digest: Digest | undefined;
  readonly contentType: string | undefined;
  /** What else its owner wants it sent with. */
  readonly fields?: StoredFields | undefined;
  /** Opaque; changes when the bytes change. Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Small text about the object: names in lower case, values of printable ASCII. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StoredObject {
  readonly facts: ObjectFacts;
  /** The part that `body` holds; the whole object where no range was asked. */
  readonly span: ByteSpan | 'whole';
  /**
   * Must be consumed or destroyed. It fails, rather than ends, when the backend cuts
   * it short, and fails with `DIGEST_MISMATCH` before its last bytes where a driver checks digests.
   */
  readonly body: Readable;
  /** The same, where it is in memory as a whole: whoever takes these needs no stream, and has nothing to destroy. */
  readonly bytes?: Uint8Array;
}

export type Got = StoredObject | 'unsatisfiable' | undefined;

export interface PutOptions {
  /** Store only where the key holds nothing; the backend decides in one step. */
  readonly ifAbsent: boolean;
  /** The body's length where it is known; a body of another length is not stored (`BODY_TRUNCATED`). */
  readonly sizeBytes?: number | undefined;
  /** The body's SHA-256 where it is known; other bytes are not stored (`DIGEST_MISMATCH`). */
  readonly digest?: Digest | undefined;
  readonly contentType?: string | undefined;
  readonly fields?: StoredFields | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Aborts the write; nothing is stored then. */
  readonly signal?: AbortSignal | undefined;
}

export type PutOutcome = 'stored' | 'exists';

export interface ListOptions {
  /** Only keys that begin with this; `''` lists all. */
  readonly prefix: string;
  /** Only keys that sort after this one. */
  readonly after?: string | undefined;
}

/** A row of a listing. Digest and metadata are not in it: ask `head`. */
export interface ListedObject {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly modifiedAt: number;
  /** When it was last read, to the hour, where the store keeps that. */
  readonly usedAt?: number;
}

export interface PresignRequest {
  readonly method: 'GET' | 'PUT';
  /** How long the URL opens, in seconds. */
  readonly ttlSeconds: number;
  /** PUT: the first-write condition, bound into the signature. */
  readonly ifAbsent?: boolean | undefined;
  /** PUT: the exact body length, bound into the signature. */
  readonly sizeBytes?: number | undefined;
  /** PUT: the body's SHA-256, kept as metadata, bound into the signature. */
  readonly digest?: Digest | undefined;
  /** PUT: kept with the object, bound into the signature. At most 2 KiB of names and values, which S3 takes. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A request anybody may send, once signed, until it expires. */
export interface PresignedRequest {
  readonly url: string;
  readonly method: 'GET' | 'PUT';
  /** Headers that must be sent exactly so; they are part of the signature. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface StoreCapabilities {
  /** `put` with `ifAbsent` is decided by the backend in one step. Without it first-write-wins cannot be promised. */
  readonly conditionalPut: boolean;
  /**
   * What `presign` answers. `exact`: a PUT's user must send the length, digest, metadata and condition that
   * were signed. `key`: bound are key, method, expiry and, with `ifAbsent`, the first write; the other headers
   * are the user's to keep (Azure). `none`: the server passes the bytes through itself.
   */
  readonly presign: 'exact' | 'key' | 'none';
}

/**
 * Named bytes in one bucket. Drivers are dumb on purpose: retries, metrics and
 * caching wrap a store, they do not live in one.
 *
 * A miss is `undefined`; only an unwell backend throws (`STORAGE_*`). All or nothing:
 * a reader never sees a torn write, and a write that fails leaves nothing behind.
 * `test/contracts/object-store.ts` is this text as tests; every driver and wrapper runs it.
 */
export interface ObjectStore {
  /** For people and labels: `local`, `s3`. */
  readonly driver: string;
  readonly capabilities: StoreCapabilities;

  head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined>;

  /** `'unsatisfiable'` where the object is there and the range lies outside it. */
  get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got>;

  /**
   * Reads the body and does not destroy it: where the write fails before the body's end,
   * the rest is the caller's to drain or to drop.
   */
  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome>;

  /** Deleting what is not there succeeds. */
  delete(key: ObjectKey, signal?: AbortSignal): Promise<void>;

  /**
   * Every object under a prefix in the byte order of its key, fetched page by page. What others put there
   * under names that are no keys (a console's `folder/`) is left out.
   */
  list(options: ListOptions): AsyncIterable<ListedObject>;

  /** `undefined` where the backend cannot presign. Costs no round trip. */
  presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined>;

  /** Resolves when the backend can be read and written; throws what is wrong, in words for an operator. */
  probe(signal?: AbortSignal): Promise<void>;

  /** Frees connections; the store is not used after it. */
  close(): Promise<void>;
}
