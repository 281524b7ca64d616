import type { Readable } from 'node:stream';
import type { ByteSpan } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import type { Source, Sourced } from '../../cache/source.ts';
import { peek } from '../../http/peek.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectFacts } from '../../storage/store.ts';
import type { Bucket } from './buckets.ts';
import { SIGNATURE_BYTES, typeByBytes, typeByName, UNKNOWN_TYPE } from './content-type.ts';

/** What is kept of an object beside its bytes. */
export type ObjectMeta = Pick<ObjectFacts, 'etag' | 'modifiedAt'> & { readonly contentType: string };

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
      typeByName(facts.contentType, this.#key) ??
      typeByBytes(bytes?.subarray(0, SIGNATURE_BYTES) ?? (await peek(body, SIGNATURE_BYTES)));
    return { meta: metaOf(facts, contentType), sizeBytes: facts.sizeBytes, body, bytes };
  }

  async openPart({ first, last }: ByteSpan, { etag }: ObjectMeta): Promise<Readable> {
    const got = await this.#bucket.store.get(this.#key, { from: first, to: last });
    if (got !== undefined && got !== 'unsatisfiable' && got.facts.etag === etag) return got.body;
    if (got !== undefined && got !== 'unsatisfiable') got.body.destroy();
    throw new VelocityError('STORAGE_FAILED', 'The object changed while it was read.');
  }

  /** Without its body, but for the first bytes where only they say what it is. */
  async head(): Promise<{ readonly meta: ObjectMeta; readonly sizeBytes: number } | undefined> {
    const { store } = this.#bucket;
    const facts = await store.head(this.#key);
    if (!facts) return undefined;
    const contentType =
      typeByName(facts.contentType, this.#key) ?? typeByBytes(await this.#firstBytes(facts));
    return { meta: metaOf(facts, contentType), sizeBytes: facts.sizeBytes };
  }

  async #firstBytes({ sizeBytes }: ObjectFacts): Promise<Uint8Array> {
    if (sizeBytes === 0) return new Uint8Array();
    const got = await this.#bucket.store.get(this.#key, { from: 0, to: SIGNATURE_BYTES - 1 });
    if (got === undefined || got === 'unsatisfiable') return new Uint8Array();
    return got.bytes ?? Buffer.concat(await got.body.toArray());
  }
}

export function metaOf({ etag, modifiedAt }: ObjectFacts, contentType: string | undefined): ObjectMeta {
  return { etag, modifiedAt, contentType: contentType ?? UNKNOWN_TYPE };
}

/** What a disk tier kept; `undefined`: it is none of ours. */
export function parseObjectMeta(raw: unknown): ObjectMeta | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { etag, modifiedAt, contentType } = raw as Record<string, unknown>;
  return typeof etag === 'string' && typeof modifiedAt === 'number' && typeof contentType === 'string'
    ? { etag, modifiedAt, contentType }
    : undefined;
}
