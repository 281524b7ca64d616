import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { BodyCache } from '../cache/body-cache.ts';
import type { Kept } from '../cache/kept.ts';
import type { GiveBack } from '../cache/memory-tier.ts';
import { PagedReadThrough } from '../cache/paged-read-through.ts';
import { type Reading, type ReadOutcome, ReadThrough } from '../cache/read-through.ts';
import type { TierLevel, Tiers } from '../cache/tiers.ts';
import type { ListedObject, ListOptions, ObjectFacts } from '../storage/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Bucket } from './bucket.ts';
import type { BucketObject } from './bucket-object.ts';
import { BucketSource, type HeadedObject, type ObjectMeta } from './bucket-source.ts';
import type { BucketMetrics } from './metrics.ts';
import { ObjectWrites, type WriteOptions, type Written } from './object-writes.ts';
import { Prefetches } from './prefetches.ts';
import { BucketTraffic } from './traffic.ts';

export interface BucketObjectsOptions {
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** For these objects alone; closed with them, and so are the buckets. */
  readonly tiers: Tiers<ObjectMeta>;
  readonly metrics: BucketMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** What is known of an object without its bytes. */
export interface FoundObject extends HeadedObject {
  /** The tier that knew it; `absent`: none, so that the bucket was asked. */
  readonly outcome: ReadOutcome;
}

/** What came of a copy. */
export interface Copied extends Pick<Written, 'outcome'> {
  /** What was copied, as it was then. */
  readonly from: Pick<ObjectFacts, 'etag' | 'modifiedAt'>;
}

/** What is under way holds no more memory than this share of the memory tier, on each of two ways: fetches and uploads. */
const SHARE_UNDER_WAY = 1 / 4;

/**
 * The objects of named stores, through the tiers. Every door reads and writes them here, so that what one of them
 * writes or deletes no other goes on reading from a tier.
 */
export class BucketObjects {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly metrics: BucketMetrics;
  readonly traffic: BucketTraffic;
  readonly #tiers: Tiers<ObjectMeta>;
  readonly #cache: ReadThrough<ObjectMeta>;
  /** The same, with large objects in pages where there are any. */
  readonly #objects: BodyCache<ObjectMeta>;
  readonly #writes: ObjectWrites;
  readonly #prefetches: Prefetches;

  constructor({ buckets, tiers, metrics, logger, clock }: BucketObjectsOptions) {
    const traffic = new BucketTraffic(metrics, clock);
    const count = (outcome: ReadOutcome): void => metrics.reads.inc(outcome);
    const cache = new ReadThrough<ObjectMeta>({
      memory: tiers.memory,
      disk: tiers.disk,
      maxBodyBytes: tiers.maxBodyBytes,
      maxFlyingBytes: Math.max(
        tiers.memory.maxBytes * SHARE_UNDER_WAY,
        Math.min(tiers.maxBodyBytes, tiers.memory.maxBytes),
      ),
      ...{ clock, count },
      onFetched: (bytes) => traffic.fetched(bytes),
    });
    const objects =
      tiers.pageBytes === undefined
        ? cache
        : new PagedReadThrough({
            ...{ cache, pageBytes: tiers.pageBytes, count },
            maxWarmBytes: tiers.maxBodyBytes,
          });
    [this.buckets, this.metrics, this.traffic] = [buckets, metrics, traffic];
    [this.#tiers, this.#cache, this.#objects] = [tiers, cache, objects];
    this.#writes = new ObjectWrites({
      ...{ cache: objects, logger },
      maxKeptBytes: tiers.maxBodyBytes,
      maxGatheredBytes: tiers.memory.maxBytes * SHARE_UNDER_WAY,
    });
    this.#prefetches = new Prefetches(objects, metrics, logger);
    metrics.levels.read = () => ({ flights: this.flights, tiers: this.levels() });
  }

  /** Fetches under way. */
  get flights(): number {
    return this.#cache.flights;
  }

  /** How full the tiers are. */
  levels(): readonly TierLevel[] {
    return this.#tiers.levels();
  }

  /** What is in memory as a whole, at once. */
  hot({ tierKey }: BucketObject): Kept<ObjectMeta> | undefined {
    return this.#cache.hot(tierKey);
  }

  /** Counts what is in memory until it is given back. `undefined`: there is no room. */
  lend({ tierKey }: BucketObject, kept: Kept<ObjectMeta>): GiveBack | undefined {
    return this.#cache.lend(tierKey, kept);
  }

  /**
   * Opening a part of what it gives throws `BodyChanged` where the bucket has another object by now: whoever reads again
   * gets that.
   * @returns `undefined` where there is none
   * @throws VelocityError `STORAGE_*`
   */
  read({ bucket, key, tierKey }: BucketObject): Promise<Reading<ObjectMeta> | undefined> {
    return this.#objects.read(tierKey, new BucketSource(bucket, key));
  }

  /** By what is in the tiers, or by the bucket's own HEAD. @throws VelocityError `STORAGE_*` */
  async head(object: BucketObject): Promise<FoundObject | undefined> {
    const held = await this.#objects.find(object.tierKey);
    held?.close();
    const found = held ?? (await this.headInBucket(object));
    return found && { meta: found.meta, sizeBytes: found.sizeBytes, outcome: held?.outcome ?? 'absent' };
  }

  /** Whatever the tiers hold, for conditions of a change. @throws VelocityError `STORAGE_*` */
  headInBucket({ bucket, key }: BucketObject): Promise<HeadedObject | undefined> {
    return new BucketSource(bucket, key).head();
  }

  /** @throws VelocityError `BODY_*`, `STORAGE_*` */
  write(object: BucketObject, body: Readable, options: WriteOptions): Promise<Written> {
    return this.#writes.write(object, body, options);
  }

  /**
   * From its bucket and from the tiers; deleting what is not there succeeds. From the first store of a failover alone:
   * what the others have of it is read on.
   * @throws VelocityError `IMMUTABLE`, `STORAGE_*`
   */
  delete(object: BucketObject): Promise<void> {
    return this.#writes.delete(object);
  }

  /**
   * Writes what another place has, as its bucket has it now, bytes and all that is stored with them.
   * @returns `undefined` where there is no such object
   * @throws VelocityError `BODY_*`, `STORAGE_*`
   */
  async copy(
    { bucket, key }: BucketObject,
    to: BucketObject,
    { ifAbsent }: Pick<WriteOptions, 'ifAbsent'>,
  ): Promise<Copied | undefined> {
    const got = await bucket.store.get(key);
    if (got === undefined || got === 'unsatisfiable') return undefined;
    const { facts, body } = got;
    try {
      const { sizeBytes, digest, contentType, fields = {}, metadata } = facts;
      const options = { sizeBytes, digest, contentType, fields, metadata, ifAbsent };
      const { outcome } = await this.#writes.write(to, body, options);
      this.traffic.fetched(sizeBytes);
      return { outcome, from: facts };
    } finally {
      body.destroy();
    }
  }

  /** As the bucket lists them now: no tier has a part in it. */
  list({ store }: Bucket, options: ListOptions): AsyncIterable<ListedObject> {
    return store.list(options);
  }

  /** Brings an object into the tiers in the background, for whoever asks next. */
  prefetch(object: BucketObject): void {
    this.#prefetches.begin(object);
  }

  /** Ends what goes on in the background, writes down what the tiers still have to, and frees the buckets. */
  async close(): Promise<void> {
    await Promise.all([this.#prefetches.close(), this.#cache.close()]);
    await this.#tiers.close();
    for (const { store } of this.buckets.values()) await store.close();
  }
}
