import type { Registry } from '@prometheus-io/client';
import type { Clock } from '../../src/base/clock.ts';
import type { Bucket } from '../../src/buckets/bucket.ts';
import { BucketObjects } from '../../src/buckets/bucket-objects.ts';
import type { ObjectMeta } from '../../src/buckets/bucket-source.ts';
import { bucketMetrics } from '../../src/buckets/metrics.ts';
import { Lru } from '../../src/cache/eviction/lru.ts';
import type { Kept } from '../../src/cache/kept.ts';
import { MemoryTier } from '../../src/cache/memory-tier.ts';
import type { Logger } from '../../src/telemetry/logger.ts';

const TTL_MS = 3600_000;

export interface OpenedObjectsOptions {
  readonly buckets: readonly Bucket[];
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly maxMemory?: number | undefined;
  readonly maxObjectSize?: number | undefined;
  /** Larger objects are read in pages. */
  readonly pageSize?: number | undefined;
}

/** Objects of buckets behind a memory tier alone. */
export function openBucketObjects(options: OpenedObjectsOptions): {
  readonly objects: BucketObjects;
  readonly memory: MemoryTier<Kept<ObjectMeta>>;
} {
  const { buckets, registry, logger, clock, pageSize } = options;
  const { maxMemory = 1024 * 1024, maxObjectSize = 256 * 1024 } = options;
  const memory = new MemoryTier<Kept<ObjectMeta>>({
    ...{ maxBytes: maxMemory, maxValueBytes: maxObjectSize, ttlMs: TTL_MS, clock },
    eviction: new Lru(),
  });
  const objects = new BucketObjects({
    buckets: new Map(buckets.map((bucket) => [bucket.id, bucket])),
    tiers: {
      ...{ memory, disk: undefined, maxBodyBytes: maxObjectSize, pageBytes: pageSize },
      levels: () => [{ tier: 'memory', entries: memory.size, ...levelOf(memory) }],
      close: async () => {},
    },
    metrics: bucketMetrics(registry),
    ...{ logger, clock },
  });
  return { objects, memory };
}

function levelOf({ bytes, lentBytes, maxBytes, evictions }: MemoryTier<unknown>) {
  return { bytes, lentBytes, maxBytes, evictions };
}
