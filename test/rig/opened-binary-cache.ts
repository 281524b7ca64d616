import { BinaryCache, type BinaryCacheOptions } from '../../src/doors/offload/binary-cache.ts';
import { ManualClock } from './manual-clock.ts';

/** A cache of binaries with what it tells on the side. */
export interface OpenedBinaryCache extends AsyncDisposable {
  readonly cache: BinaryCache;
  /** Kinds, in the order they came. */
  readonly troubles: string[];
  readonly evicted: string[];
}

export async function openBinaryCache(
  directory: string,
  options: Partial<BinaryCacheOptions> = {},
): Promise<OpenedBinaryCache> {
  const troubles: string[] = [];
  const evicted: string[] = [];
  const cache = await BinaryCache.open({
    directory,
    maxSizeGb: 0,
    maxEntries: 0,
    maxAgeDays: 0,
    cleanupIntervalMs: 0,
    evictionPolicy: 'lru',
    accessUpdateIntervalMs: 0,
    clock: new ManualClock(),
    onTrouble: (kind) => troubles.push(kind),
    onEvict: (reason) => evicted.push(reason),
    ...options,
  });
  return { cache, troubles, evicted, [Symbol.asyncDispose]: () => cache.close() };
}
