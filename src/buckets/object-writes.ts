import type { Readable } from 'node:stream';
import { type Digest, digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import { pipeInto } from '../base/pipe-into.ts';
import type { BodyCache } from '../cache/body-cache.ts';
import { SIGNATURE_BYTES, typeByBytes } from '../http/content-type.ts';
import type { ObjectFacts, PutOutcome } from '../storage/store.ts';
import type { StoredFields } from '../storage/stored-fields.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BucketObject } from './bucket-object.ts';
import { metaOf, type ObjectMeta, typeByFacts } from './bucket-source.ts';
import { GatheredBody } from './gathered-body.ts';

export interface ObjectWritesOptions {
  readonly cache: BodyCache<ObjectMeta>;
  /** Larger bodies are not kept in the tiers. */
  readonly maxKeptBytes: number;
  /** What bodies under way may hold in memory together, to be kept once they are stored. */
  readonly maxGatheredBytes: number;
  readonly logger: Logger;
}

export interface WriteOptions {
  readonly sizeBytes: number | undefined;
  readonly contentType: string | undefined;
  readonly fields: StoredFields;
  /** Of the body, where it is known; other bytes are not stored. */
  readonly digest?: Digest | undefined;
  readonly metadata?: ObjectFacts['metadata'] | undefined;
  /** Store only where there is nothing. */
  readonly ifAbsent: boolean;
}

/** What was written, as far as the bucket says it. */
export interface Written {
  readonly outcome: PutOutcome | 'overwritten';
  readonly facts: ObjectFacts | undefined;
}

/** Room for a body whose length nobody said. */
const UNANNOUNCED_BYTES = 8 * 1024 * 1024;

/** Writes through to buckets, and keeps in the tiers what was written, not what was deleted. */
export class ObjectWrites {
  readonly #options: ObjectWritesOptions;
  /** How many write or delete an object now, and whether they ever were more than one: nobody here knows then whose bytes the bucket has. */
  readonly #underWay = new Map<string, { writers: number; isDisputed: boolean }>();
  #gatheredBytes = 0;

  constructor(options: ObjectWritesOptions) {
    this.#options = options;
  }

  /** @throws VelocityError `BODY_*`, `STORAGE_*` */
  async write(object: BucketObject, body: Readable, options: WriteOptions): Promise<Written> {
    const { bucket, key, tierKey } = object;
    const { cache, logger } = this.#options;
    const store = bucket.writesTo ?? bucket.store;
    const claim = this.#begin(tierKey);
    const keptBytes = this.#roomFor(options.sizeBytes);
    this.#gatheredBytes += keptBytes;
    try {
      const before = options.ifAbsent ? undefined : store.head(key).catch(() => undefined);
      const passing = pipeInto(body, new GatheredBody(keptBytes));
      let outcome: PutOutcome | undefined;
      try {
        outcome = await store.put(key, passing, options);
      } finally {
        passing.destroy();
        // Also after a failure: it may have been stored all the same.
        if (outcome !== 'exists') await cache.forget(tierKey);
      }
      if (outcome === 'exists') return { outcome, facts: undefined };
      const facts = await store.head(key).catch(() => undefined);
      // The first look may have been answered after the write.
      const isOverwritten = isOther(await before, facts);
      if (isOverwritten) logger.warn({ bucket: bucket.id, key }, 'an object was overwritten');
      const { gathered } = passing;
      if (facts && gathered && !claim.isDisputed) await this.#keep(object, facts, gathered);
      return { outcome: isOverwritten ? 'overwritten' : outcome, facts };
    } finally {
      this.#gatheredBytes -= keptBytes;
      this.#end(tierKey);
    }
  }

  /** @throws VelocityError `IMMUTABLE`, `STORAGE_*` */
  async delete({ bucket, key, tierKey }: BucketObject): Promise<void> {
    if (bucket.immutable)
      throw new VelocityError('IMMUTABLE', `The store ${bucket.id} keeps what it holds; nothing is deleted.`);
    this.#begin(tierKey);
    try {
      await (bucket.writesTo ?? bucket.store).delete(key);
    } finally {
      // Also after a failure: it may have been deleted all the same.
      await this.#options.cache.forget(tierKey);
      this.#end(tierKey);
    }
  }

  /** Where another server wrote the object meanwhile, these are not its bytes. */
  async #keep({ key, tierKey }: BucketObject, facts: ObjectFacts, bytes: Uint8Array): Promise<void> {
    if (facts.sizeBytes !== bytes.length) return;
    if (facts.digest !== undefined && facts.digest !== digestOf(bytes)) return;
    const contentType = typeByFacts(facts, key) ?? typeByBytes(bytes.subarray(0, SIGNATURE_BYTES));
    await this.#options.cache.fill(tierKey, { meta: metaOf(facts, contentType), bytes });
  }

  #begin(tierKey: string): { readonly isDisputed: boolean } {
    const claim = this.#underWay.get(tierKey) ?? { writers: 0, isDisputed: false };
    this.#underWay.set(tierKey, claim);
    claim.writers++;
    claim.isDisputed ||= claim.writers > 1;
    return claim;
  }

  #end(tierKey: string): void {
    const claim = this.#underWay.get(tierKey);
    if (claim && --claim.writers === 0) this.#underWay.delete(tierKey);
  }

  /** How much of a body may be gathered. */
  #roomFor(sizeBytes: number | undefined): number {
    const { maxKeptBytes, maxGatheredBytes } = this.#options;
    const room = Math.max(0, Math.min(maxKeptBytes, maxGatheredBytes - this.#gatheredBytes));
    if (sizeBytes === undefined) return Math.min(room, UNANNOUNCED_BYTES);
    return sizeBytes <= room ? sizeBytes : 0;
  }
}

function isOther(before: ObjectFacts | undefined, after: ObjectFacts | undefined): boolean {
  return before !== undefined && (before.etag !== after?.etag || before.modifiedAt !== after.modifiedAt);
}
