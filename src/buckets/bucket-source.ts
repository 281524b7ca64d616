import type { Readable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';
import { BodyChanged } from '../cache/body-changed.ts';
import type { PageMeta } from '../cache/paged-read-through.ts';
import type { PagedSource, Sourced } from '../cache/source.ts';
import { SIGNATURE_BYTES, typeByBytes, typeByName, UNKNOWN_TYPE } from '../http/content-type.ts';
import { peek } from '../http/peek.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { Got, ObjectFacts, StoredObject } from '../storage/store.ts';
import { type StoredFields, storedFields } from '../storage/stored-fields.ts';
import type { Bucket } from './bucket.ts';

/** What is kept of an object beside its bytes. */
export interface ObjectMeta extends PageMeta, Pick<ObjectFacts, 'etag' | 'modifiedAt'> {
  readonly contentType: string;
  readonly fields: StoredFields;
}

/** What a bucket says of an object beside its bytes. */
export interface HeadedObject {
  readonly meta: ObjectMeta;
  readonly sizeBytes: number;
}

/** An object in its bucket, as tiers ask for it. */
export class BucketSource implements PagedSource<ObjectMeta> {
  readonly #bucket: Bucket;
  readonly #key: ObjectKey;

  constructor(bucket: Bucket, key: ObjectKey) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async open(): Promise<Sourced<ObjectMeta> | undefined> {
    return this.#sourced(await this.#bucket.store.get(this.#key));
  }

  async openFirst(maxBytes: number): Promise<Sourced<ObjectMeta> | undefined> {
    const range = { from: 0, to: maxBytes - 1 };
    const got = await this.#bucket.store.get(this.#key, range);
    if (got === 'unsatisfiable') return this.open(); // it has no bytes
    if (got) assertSpan(got, { first: 0, last: Math.min(maxBytes, got.facts.sizeBytes) - 1 });
    return this.#sourced(got);
  }

  async openPart(span: ByteSpan, { etag, wholeBytes }: ObjectMeta): Promise<Readable> {
    const got = await this.#bucket.store.get(this.#key, { from: span.first, to: span.last });
    if (got === undefined || got === 'unsatisfiable') throw new BodyChanged();
    const { facts, body } = got;
    if (facts.etag !== etag || facts.sizeBytes !== (wholeBytes ?? facts.sizeBytes)) {
      body.destroy();
      throw new BodyChanged();
    }
    assertSpan(got, span);
    return body;
  }

  async #sourced(got: Got): Promise<Sourced<ObjectMeta> | undefined> {
    if (got === undefined || got === 'unsatisfiable') return undefined;
    const { facts, bytes, body } = got;
    const contentType =
      typeByFacts(facts, this.#key) ??
      typeByBytes(bytes?.subarray(0, SIGNATURE_BYTES) ?? (await peek(body, SIGNATURE_BYTES)));
    return { meta: metaOf(facts, contentType), sizeBytes: facts.sizeBytes, body, bytes };
  }

  /** Without its body, but for the first bytes where only they say what it is. */
  async head(): Promise<HeadedObject | undefined> {
    const { store } = this.#bucket;
    const facts = await store.head(this.#key);
    if (!facts) return undefined;
    const contentType = typeByFacts(facts, this.#key) ?? typeByBytes(await this.#firstBytes(facts));
    return { meta: metaOf(facts, contentType), sizeBytes: facts.sizeBytes };
  }

  /** None where they are of another object than the facts: it was replaced meanwhile, or another store answered. */
  async #firstBytes({ sizeBytes, etag }: ObjectFacts): Promise<Uint8Array> {
    if (sizeBytes === 0) return new Uint8Array();
    const got = await this.#bucket.store.get(this.#key, { from: 0, to: SIGNATURE_BYTES - 1 });
    if (got === undefined || got === 'unsatisfiable') return new Uint8Array();
    if (got.facts.etag !== etag) {
      got.body.destroy();
      return new Uint8Array();
    }
    return got.bytes ?? Buffer.concat(await got.body.toArray());
  }
}

/** The first bytes of what is packed say how it is packed, and not what it is. */
export function typeByFacts({ contentType, fields }: ObjectFacts, key: ObjectKey): string | undefined {
  const named = typeByName(contentType, key);
  return named ?? (fields?.['content-encoding'] === undefined ? undefined : UNKNOWN_TYPE);
}

export function metaOf(
  { etag, modifiedAt, fields = {} }: ObjectFacts,
  contentType: string | undefined,
): ObjectMeta {
  return { etag, modifiedAt, fields, contentType: contentType ?? UNKNOWN_TYPE };
}

/** A backend that ignores the range sends the whole, whose bytes are those of the part in another place. */
function assertSpan({ span, facts, body }: StoredObject, { first, last }: ByteSpan): void {
  const got = span === 'whole' ? { first: 0, last: facts.sizeBytes - 1 } : span;
  if (got.first === first && got.last === last) return;
  body.destroy();
  throw new VelocityError(
    'STORAGE_FAILED',
    'The backend sent another part of the object than was asked for.',
  );
}

/** What a disk tier kept; `undefined`: it is none of ours. */
export function parseObjectMeta(raw: unknown): ObjectMeta | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { etag, modifiedAt, contentType, fields, wholeBytes } = raw as Record<string, unknown>;
  if (typeof etag !== 'string' || typeof modifiedAt !== 'number' || typeof contentType !== 'string')
    return undefined;
  if (typeof fields !== 'object' || fields === null) return undefined;
  const meta = { etag, modifiedAt, contentType, fields: storedFields({ ...fields }) };
  if (wholeBytes === undefined) return meta;
  return typeof wholeBytes === 'number' ? { ...meta, wholeBytes } : undefined;
}
