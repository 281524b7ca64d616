import type { Readable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import { BodyChanged } from '../../cache/body-changed.ts';
import type { Source, Sourced } from '../../cache/source.ts';
import { peek } from '../../http/peek.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectFacts } from '../../storage/store.ts';
import { type StoredFields, storedFields } from '../../storage/stored-fields.ts';
import type { Bucket } from './buckets.ts';
import { SIGNATURE_BYTES, typeByBytes, typeByName, UNKNOWN_TYPE } from './content-type.ts';

/** What is kept of an object beside its bytes. */
export interface ObjectMeta extends Pick<ObjectFacts, 'etag' | 'modifiedAt'> {
  readonly contentType: string;
  readonly fields: StoredFields;
}

/** An object in its bucket, as tiers ask for it. */
export class BucketSource implements Source<ObjectMeta> {
  readonly #bucket: Bucket;
  readonly #key: ObjectKey;

  constructor(bucket: Bucket, key: ObjectKey) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async open(): Promise<Sourced<ObjectMeta> | undefined> {
    const got = await this.#bucket.store.get(this.#key);
    if (got === undefined || got === 'unsatisfiable') return undefined;
    const { facts, bytes, body } = got;
    const contentType =
      typeByFacts(facts, this.#key) ??
      typeByBytes(bytes?.subarray(0, SIGNATURE_BYTES) ?? (await peek(body, SIGNATURE_BYTES)));
    return { meta: metaOf(facts, contentType), sizeBytes: facts.sizeBytes, body, bytes };
  }

  async openPart({ first, last }: ByteSpan, { etag }: ObjectMeta): Promise<Readable> {
    const got = await this.#bucket.store.get(this.#key, { from: first, to: last });
    if (got !== undefined && got !== 'unsatisfiable' && got.facts.etag === etag) return got.body;
    if (got !== undefined && got !== 'unsatisfiable') got.body.destroy();
    throw new BodyChanged();
  }

  /** Without its body, but for the first bytes where only they say what it is. */
  async head(): Promise<{ readonly meta: ObjectMeta; readonly sizeBytes: number } | undefined> {
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

/** What a disk tier kept; `undefined`: it is none of ours. */
export function parseObjectMeta(raw: unknown): ObjectMeta | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { etag, modifiedAt, contentType, fields } = raw as Record<string, unknown>;
  if (typeof etag !== 'string' || typeof modifiedAt !== 'number' || typeof contentType !== 'string')
    return undefined;
  if (typeof fields !== 'object' || fields === null) return undefined;
  return { etag, modifiedAt, contentType, fields: storedFields({ ...fields }) };
}
