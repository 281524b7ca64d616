import type { Clock } from '../base/clock.ts';
import { DiskTier } from './disk-tier/disk-tier.ts';
import type { DiskTroubleKind } from './disk-tier/disk-trouble.ts';
import { openEviction } from './eviction/open-eviction.ts';
import type { Kept } from './kept.ts';
import { MemoryTier } from './memory-tier.ts';
import { type CacheSettings, maxObjectBytesOf } from './settings.ts';
import type { TierLevel, Tiers } from './tiers.ts';

export interface TiersSurroundings<M> {
  readonly clock: Clock;
  /** What is kept beside a body, as the disk tier reads it again; `undefined`: it is nothing of the kind. */
  readonly parseMeta: (raw: unknown) => M | undefined;
  readonly onTrouble: (kind: DiskTroubleKind, error?: unknown) => void;
}

/**
 * The tiers that settings describe.
 * @throws VelocityError `STORAGE_*` where the disk tier's folder cannot be used
 */
export async function openTiers<M>(
  settings: CacheSettings,
  { clock, parseMeta, onTrouble }: TiersSurroundings<M>,
): Promise<Tiers<M>> {
  const { cacheMaxMemory, cacheMaxDisk = 0, cacheTtl, cacheMaxAge = cacheTtl } = settings;
  const maxBodyBytes = maxObjectBytesOf(settings);
  const pageBytes = settings.cachePageSize || undefined;
  const memory = new MemoryTier<Kept<M>>({
    maxBytes: cacheMaxMemory,
    maxValueBytes: maxBodyBytes,
    ttlMs: cacheTtl,
    eviction: openEviction(settings.cacheEviction),
    clock,
  });
  const levelOfMemory = (): TierLevel => ({
    tier: 'memory',
    entries: memory.size,
    bytes: memory.bytes,
    lentBytes: memory.lentBytes,
    maxBytes: memory.maxBytes,
    evictions: memory.evictions,
  });
  if (cacheMaxDisk === 0)
    return {
      ...{ memory, disk: undefined, maxBodyBytes, pageBytes },
      levels: () => [levelOfMemory()],
      close: async () => {},
    };

  let evictions = 0;
  const disk = await DiskTier.open<M>({
    folder: settings.cacheDiskPath,
    maxBytes: cacheMaxDisk,
    maxEntries: settings.cacheMaxEntries,
    maxAgeMs: Math.min(cacheTtl, cacheMaxAge),
    cleanupIntervalMs: settings.cacheCleanupInterval,
    accessUpdateIntervalMs: settings.cacheAccessUpdateInterval,
    eviction: openEviction(settings.cacheEviction),
    onEvict: () => void evictions++,
    ...{ clock, parseMeta, onTrouble },
  });
  const levelOfDisk = (): TierLevel => ({
    tier: 'disk',
    entries: disk.size,
    bytes: disk.bytes,
    maxBytes: cacheMaxDisk,
    evictions,
  });
  return {
    memory,
    disk,
    ...{ maxBodyBytes, pageBytes },
    levels: () => [levelOfMemory(), levelOfDisk()],
    close: () => disk.close(),
  };
}
