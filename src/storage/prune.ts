import type { ObjectKey } from './object-key.ts';
import type { ListedObject, ObjectStore } from './store.ts';

/** What a store may hold; `undefined` sets no limit. */
export interface PruneLimits {
  /** Since an object was last used, in milliseconds; where the store does not know, since it was stored. */
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxEntries?: number | undefined;
}

/** `share`: its owner holds more than one owner may. */
export type PruneReason = 'age' | 'share' | 'bytes' | 'entries';

/** Whose an object is. */
export interface Owner {
  readonly name: string;
  /** What a trusted owner keeps goes last, and is never displaced by others'. */
  readonly isTrusted: boolean;
}

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
  /** Without it all objects have one trusted owner. */
  readonly ownerOf?: ((key: ObjectKey) => Owner) | undefined;
  /** Removes nothing, and tells what would be. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onPruned?: (pruned: Pruned) => void;
}

/** What one owner who is not trusted may hold of the bytes and entries, in parts of the whole. */
const SHARE = 0.1;

/**
 * Removes what is beyond the limits: the old first, then the least recently used until the rest fits. An owner
 * who is not trusted displaces only what is its own (beyond a tenth of the limits), then what is of others who
 * are not trusted: however much it writes, what trusted builds keep stays as long as anything else is there.
 * Readers of a removed object finish undisturbed. Holds a row of memory for each object where bytes or entries
 * are limited.
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
  const { now, signal, ownerOf = () => EVERYBODY } = options;
  const oldest = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : now - maxAgeMs;
  const isBounded = limits.maxBytes !== undefined || limits.maxEntries !== undefined;
  const pruned: Pruned[] = [];
  const young: Owned[] = [];
  const all = new Holding();
  const byOwner = new Map<string, Holding>();
  let [entries, bytes] = [0, 0];
  for await (const object of store.list({ prefix: '' })) {
    signal?.throwIfAborted();
    entries++;
    bytes += object.sizeBytes;
    if (usedAt(object) < oldest) {
      pruned.push(toPruned(object, 'age'));
      continue;
    }
    if (!isBounded) continue;
    const owner = ownerOf(object.key);
    young.push({ object, owner });
    all.add(object);
    const own = byOwner.get(owner.name) ?? new Holding();
    byOwner.set(owner.name, own.add(object));
  }

  young.sort((a, b) => usedAt(a.object) - usedAt(b.object));
  const remove = ({ object, owner }: Owned, reason: PruneReason): void => {
    pruned.push(toPruned(object, reason));
    all.remove(object);
    byOwner.get(owner.name)?.remove(object);
  };
  const within = young.filter((owned) => {
    const isBeyond =
      !owned.owner.isTrusted &&
      byOwner.get(owned.owner.name)?.isBeyond(maxBytes * SHARE, Math.max(1, maxEntries * SHARE));
    if (isBeyond) remove(owned, 'share');
    return !isBeyond;
  });
  for (const isTrusted of [false, true])
    for (const owned of within) {
      if (!all.isBeyond(maxBytes, maxEntries)) break;
      if (owned.owner.isTrusted === isTrusted) remove(owned, all.bytes > maxBytes ? 'bytes' : 'entries');
    }
  return { pruned, entries, bytes };
}

const EVERYBODY: Owner = { name: '', isTrusted: true };

interface Owned {
  readonly object: ListedObject;
  readonly owner: Owner;
}

/** How much there is. */
class Holding {
  bytes = 0;
  entries = 0;

  add({ sizeBytes }: ListedObject): this {
    this.bytes += sizeBytes;
    this.entries++;
    return this;
  }

  remove({ sizeBytes }: ListedObject): void {
    this.bytes -= sizeBytes;
    this.entries--;
  }

  isBeyond(maxBytes: number, maxEntries: number): boolean {
    return this.bytes > maxBytes || this.entries > maxEntries;
  }
}

function toPruned(object: ListedObject, reason: PruneReason): Pruned {
  const { key, sizeBytes } = object;
  return { key, sizeBytes, usedAt: usedAt(object), reason };
}

function usedAt({ usedAt: used, modifiedAt }: ListedObject): number {
  return used ?? modifiedAt;
}
