import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { DiskTier } from '../../../cache/disk-tier/disk-tier.ts';
import type { DiskTroubleKind } from '../../../cache/disk-tier/disk-trouble.ts';
import { type EvictionName, openEviction } from '../../../cache/eviction/open-eviction.ts';
import type { Kept } from '../../../cache/kept.ts';
import { MemoryTier } from '../../../cache/memory-tier.ts';
import { ReadThrough } from '../../../cache/read-through.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import { BanList } from '../purge/ban-list.ts';
import { AnswerBodies } from './answer-bodies.ts';
import { AnswerIndex } from './answer-index.ts';
import { type AnswerMeta, parseAnswerMeta } from './answer-meta.ts';
import { AnswerStore } from './answer-store.ts';
import { StoredPurges } from './stored-purges.ts';

export interface AnswerStoreSettings {
  readonly maxEntries: number;
  /** Of bodies, with what it costs to hold them; heads may take a quarter of it more. */
  readonly maxMemory: number;
  readonly maxObjectSize: number;
  readonly eviction: EvictionName;
  /** `undefined`: nothing is kept on a disk. */
  readonly disk?: { readonly folder: string; readonly maxBytes: number } | undefined;
}

export interface AnswerStoreSurroundings {
  readonly policy: CachePolicy;
  readonly clock: Clock;
  readonly onDiskTrouble: (kind: DiskTroubleKind, error?: unknown) => void;
}

export interface OpenAnswerStore {
  readonly store: AnswerStore;
  readonly purges: StoredPurges;
  readonly memory: MemoryTier<Kept<AnswerMeta>>;
  readonly disk: DiskTier<AnswerMeta> | undefined;
  close(): Promise<void>;
}

/** Uses of what is on the disk are written down this often, and what is too old is looked for. */
const ACCESS_UPDATE_MS = 5 * 60_000;
const CLEANUP_MS = 3600_000;

/**
 * An empty store, or what a disk has kept from before.
 * @throws VelocityError `STORAGE_*` where the disk tier's folder cannot be used
 */
export async function openAnswerStore(
  settings: AnswerStoreSettings,
  { policy, clock, onDiskTrouble }: AnswerStoreSurroundings,
): Promise<OpenAnswerStore> {
  const { maxEntries, maxMemory, maxObjectSize, eviction } = settings;
  const memory = new MemoryTier<Kept<AnswerMeta>>({
    maxBytes: maxMemory,
    maxValueBytes: Math.min(maxObjectSize, maxMemory),
    ttlMs: Number.POSITIVE_INFINITY, // it is the rules of HTTP that say how long
    eviction: openEviction(eviction),
    clock,
  });
  const found: [string, AnswerMeta, number][] = [];
  const disk = settings.disk
    ? await DiskTier.open<AnswerMeta>({
        ...settings.disk,
        maxEntries,
        cleanupIntervalMs: CLEANUP_MS,
        accessUpdateIntervalMs: ACCESS_UPDATE_MS,
        eviction: openEviction(eviction),
        clock,
        parseMeta: parseAnswerMeta,
        onTrouble: onDiskTrouble,
        onFound: (key, meta, sizeBytes) => void found.push([key, meta, sizeBytes]),
      })
    : undefined;
  const tiers = new ReadThrough<AnswerMeta>({
    memory,
    disk,
    maxBodyBytes: maxObjectSize,
    maxFlyingBytes: maxMemory / 2,
    clock,
    count() {},
  });
  const bodies = new AnswerBodies({
    tiers,
    maxBodyBytes: Math.min(maxObjectSize, maxMemory),
    maxFlyingBytes: maxMemory / 4,
    clock,
  });
  const index = new AnswerIndex({
    policy,
    maxEntries,
    maxHeadBytes: maxMemory / 4,
    eviction: openEviction(eviction),
    onRemoved: ({ id }) => bodies.forget(id),
  });
  const bans = new BanList({ clock });
  const store = new AnswerStore({
    index,
    bodies,
    policy,
    bans,
    idPrefix: `${randomBytes(8).toString('hex')}-`,
  });
  // A process that was killed may have left two that answer the same: the later one counts.
  found.sort(([, a], [, b]) => a.receivedAt - b.receivedAt);
  for (const [key, meta, sizeBytes] of found) store.admit(key, meta, sizeBytes);
  return {
    store,
    purges: new StoredPurges({ index, bans, clock }),
    memory,
    disk,
    async close() {
      await tiers.close();
      await disk?.close();
    },
  };
}
