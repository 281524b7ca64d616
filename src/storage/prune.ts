import type { ObjectKey } from './object-key.ts';
import type { ListedObject, ObjectStore } from './store.ts';

/** What a store may hold; `undefined` sets no limit. */
export interface PruneLimits {
  /** Since an object was last used, in milliseconds; where the store does not know, since it was stored. */
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxEntries?: number | undefined;
}

export type PruneReason = 'age' | 'bytes' | 'entries';

export interface Pruned {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly usedAt: number;
  readonly reason: PruneReason;
}

export interface PruneSummary {
  readonly removed: number;
  readonly removedBytes: number;
  /** Objects that could not be removed; they stay for the next time. */
  readonly failed: number;
  readonly kept: number;
  readonly keptBytes: number;
}

export interface PruneOptions {
  readonly now: number;
  /** Removes nothing, and tells what would be. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onPruned?: (pruned: Pruned) => void;
}

/**
 * Removes what is beyond the limits: the old first, then the least recently used until the rest fits. Readers
 * of a removed object finish undisturbed. Holds a row of memory for each object where bytes or entries are limited.
 */
export async function prune(
  store: ObjectStore,
  limits: PruneLimits,
  options: PruneOptions,
): Promise<PruneSummary> {
  const plan = await planPrune(store, limits, options);
  let [removed, removedBytes, failed] = [0, 0, 0];
  for (const pruned of plan.pruned) {
    options.signal?.throwIfAborted();
    const gone =
      options.dryRun ||
      (await store.delete(pruned.key).then(
        () => true,
        () => false,
      ));
    if (!gone) {
      failed++;
      continue;
    }
    removed++;
    removedBytes += pruned.sizeBytes;
    options.onPruned?.(pruned);
  }
  const kept = plan.entries - removed;
  return { removed, removedBytes, failed, kept, keptBytes: plan.bytes - removedBytes };
}

interface Plan {
  readonly pruned: readonly Pruned[];
  readonly entries: number;
  readonly bytes: number;
}

async function planPrune(store: ObjectStore, limits: PruneLimits, options: PruneOptions): Promise<Plan> {
  const { maxAgeMs, maxBytes = Number.POSITIVE_INFINITY, maxEntries = Number.POSITIVE_INFINITY } = limits;
  const oldest = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : options.now - maxAgeMs;
  const isBounded = limits.maxBytes !== undefined || limits.maxEntries !== undefined;
  const pruned: Pruned[] = [];
  const young: ListedObject[] = [];
  let [entries, bytes, keptEntries, keptBytes] = [0, 0, 0, 0];
  for await (const object of store.list({ prefix: '' })) {
    options.signal?.throwIfAborted();
    entries++;
    bytes += object.sizeBytes;
    if (usedAt(object) < oldest) {
      pruned.push(toPruned(object, 'age'));
      continue;
    }
    keptEntries++;
    keptBytes += object.sizeBytes;
    if (isBounded) young.push(object);
  }
  if (keptBytes > maxBytes || keptEntries > maxEntries) young.sort((a, b) => usedAt(a) - usedAt(b));
  for (const object of young) {
    if (keptBytes <= maxBytes && keptEntries <= maxEntries) break;
    pruned.push(toPruned(object, keptBytes > maxBytes ? 'bytes' : 'entries'));
    keptEntries--;
    keptBytes -= object.sizeBytes;
  }
  return { pruned, entries, bytes };
}

function toPruned(object: ListedObject, reason: PruneReason): Pruned {
  const { key, sizeBytes } = object;
  return { key, sizeBytes, usedAt: usedAt(object), reason };
}

function usedAt({ usedAt: used, modifiedAt }: ListedObject): number {
  return used ?? modifiedAt;
}
