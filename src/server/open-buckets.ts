import type { Bucket } from '../buckets/bucket.ts';
import { BucketObjects } from '../buckets/bucket-objects.ts';
import { type ObjectMeta, parseObjectMeta } from '../buckets/bucket-source.ts';
import { openTiers } from '../cache/open-tiers.ts';
import type { FailoverSettings, NamedStoreSettings } from '../storage/bucket-settings.ts';
import { FailoverStore } from '../storage/failover-store.ts';
import type { StoreSurroundings } from '../storage/guarded.ts';
import { openBucket } from '../storage/open-bucket.ts';
import { RareWarning } from '../telemetry/rare-warning.ts';
import type { DoorSurroundings } from './door-surroundings.ts';
import type { ServerSettings } from './settings.ts';

const DISK_TROUBLE = 'the disk tier had trouble; what is concerned is a miss';

/**
 * The named stores and their tiers, for every door that reads and writes them.
 * @throws VelocityError `DRIVER_UNAVAILABLE` for a store that cannot be, `STORAGE_*` where the disk tier cannot be used
 */
export async function openBuckets(
  settings: ServerSettings,
  stores: ReadonlyMap<string, NamedStoreSettings>,
  around: DoorSurroundings,
): Promise<BucketObjects> {
  const { logger, metrics, clock } = around;
  const warnings = new Map<string, RareWarning>();
  const tiers = await openTiers<ObjectMeta>(settings, {
    clock,
    parseMeta: parseObjectMeta,
    onTrouble(kind, error) {
      metrics.buckets.diskTrouble.inc({ kind });
      const warning = warnings.get(kind) ?? new RareWarning({ logger, clock }, DISK_TROUBLE);
      warnings.set(kind, warning);
      warning.happened({ kind, err: error });
    },
  });
  const buckets = await openStores(stores, around).catch(async (error) => {
    await tiers.close();
    throw error;
  });
  return new BucketObjects({ buckets, tiers, metrics: metrics.buckets, logger, clock });
}

/** Side by side: one that does not answer takes some seconds until it is left for later. */
async function openStores(
  stores: ReadonlyMap<string, NamedStoreSettings>,
  { logger, metrics, clock }: DoorSurroundings,
): Promise<ReadonlyMap<string, Bucket>> {
  const around = { logger, metrics: metrics.storage, clock };
  const opened = await Promise.allSettled(
    Array.from(stores, async ([id, settings]): Promise<Bucket[]> => {
      if (settings.type === 'failover') return [];
      return [{ id, store: await openBucket(id, settings, around), immutable: settings.immutable }];
    }),
  );
  const buckets = new Map(
    opened
      .flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
      .map((bucket) => [bucket.id, bucket]),
  );
  const failed = opened.find((each) => each.status === 'rejected');
  if (failed) {
    await closeAll(buckets);
    throw failed.reason;
  }
  const failovers = Array.from(stores).flatMap(([id, settings]) =>
    settings.type === 'failover' ? [failoverOf(id, settings, buckets, around)] : [],
  );
  return new Map([...buckets.values(), ...failovers].map((bucket) => [bucket.id, bucket]));
}

/** What its first store keeps as it is, is kept under this name too. */
function failoverOf(
  id: string,
  { stores, immutable }: FailoverSettings,
  buckets: ReadonlyMap<string, Bucket>,
  { clock, metrics }: StoreSurroundings,
): Bucket {
  const [first, ...others] = stores.flatMap((name) => buckets.get(name) ?? []);
  if (!first) throw new Error(`unreachable: ${id} names a store that is there`);
  const store = new FailoverStore(
    first.store,
    others.map((other) => other.store),
    { clock, onFailover: () => metrics.failovers.inc({ store: id }) },
  );
  return { id, store, writesTo: first.store, immutable: immutable || first.immutable };
}

async function closeAll(buckets: ReadonlyMap<string, Bucket>): Promise<void> {
  for (const { store } of buckets.values()) await store.close();
}
