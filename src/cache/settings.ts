import { spellByteSize } from '../base/byte-size.ts';
import { byteSize, duration, oneOf, text, wholeNumber } from '../config/kinds.ts';
import type { Mistake } from '../config/mistake.ts';
import type { Resolution } from '../config/resolve-settings.ts';
import type { Settings, Values } from '../config/setting.ts';
import { EVICTIONS } from './eviction/open-eviction.ts';

/** The cache of the object gateway, in memory and on the disk. */
export const cacheSettings = {
  cacheMaxMemory: {
    key: 'cache.max_memory',
    kind: byteSize(),
    default: 2 ** 30,
    doc: 'How much memory objects of named stores may take, with the bookkeeping, and with what is being fetched and sent.',
  },
  cacheMaxObjectSize: {
    key: 'cache.max_object_size',
    kind: byteSize(),
    doc: 'Larger objects are passed on and not kept, unless in pages (`cache.page_size`). Without it, as much as `cache.max_memory`.',
  },
  cachePageSize: {
    key: 'cache.page_size',
    kind: byteSize(),
    doc: 'Larger objects are fetched and kept in pages of this size, those over `cache.max_object_size` too: from 64KiB to `cache.max_object_size`. Without it, and with 0, as a whole.',
  },
  cacheMaxDisk: {
    key: 'cache.max_disk',
    kind: byteSize(),
    doc: 'How much of them is kept on the disk too, such as 100GiB. Without it, and with 0, nothing is.',
  },
  cacheDiskPath: {
    key: 'cache.disk_path',
    kind: text(),
    default: './data/cache',
    doc: 'Folder for what is kept on the disk, where `cache.max_disk` is set; made where it is missing.',
  },
  cacheTtl: {
    key: 'cache.ttl',
    kind: duration(),
    default: 24 * 3600_000,
    doc: 'How long an object is given out before its store is asked again.',
  },
  cacheEviction: {
    key: 'cache.eviction',
    kind: oneOf(EVICTIONS),
    default: 'lru',
    doc: 'Which object goes first where there is no more room: the one whose last use is longest ago (`lru`), that was used least often (`lfu`), that came first (`fifo`), or the first of those that nobody asked for twice (`s3-fifo`).',
  },
  cacheMaxEntries: {
    key: 'cache.max_entries',
    kind: wholeNumber(1, 1_000_000_000, 'a number of objects'),
    doc: 'How many objects are kept on the disk at most.',
  },
  cacheMaxAge: {
    key: 'cache.max_age',
    kind: duration(),
    doc: 'How long after they came objects are removed from the disk, where that is sooner than `cache.ttl`.',
  },
  cacheCleanupInterval: {
    key: 'cache.cleanup_interval',
    kind: duration(),
    default: 3600_000,
    doc: 'How often the disk is looked through for what has to go.',
  },
  cacheAccessUpdateInterval: {
    key: 'cache.access_update_interval',
    kind: duration(),
    default: 5 * 60_000,
    doc: 'How old the noted last use of an object on the disk may be before a further use is noted.',
  },
} as const satisfies Settings;

export type CacheSettings = Values<typeof cacheSettings>;

/** Smaller ones cost more in requests to the store and in bookkeeping than they spare. */
const MIN_PAGE_BYTES = 64 * 1024;

/** Larger bodies are kept in neither tier as a whole. */
export function maxObjectBytesOf({
  cacheMaxObjectSize,
  cacheMaxMemory,
}: Pick<CacheSettings, 'cacheMaxObjectSize' | 'cacheMaxMemory'>): number {
  return cacheMaxObjectSize ?? cacheMaxMemory;
}

/** Whether pages are worth their while and can be kept. */
export function pageSizeMistakes({ values, sources }: Resolution<typeof cacheSettings>): readonly Mistake[] {
  const { cachePageSize: bytes = 0 } = values;
  const most = maxObjectBytesOf(values);
  if (bytes === 0 || (bytes >= MIN_PAGE_BYTES && bytes <= most)) return [];
  const limit =
    bytes < MIN_PAGE_BYTES
      ? `less than ${spellByteSize(MIN_PAGE_BYTES)}: take at least that, or 0 for no pages`
      : `more than the largest object that is kept, ${spellByteSize(most)} (cache.max_object_size, else cache.max_memory)`;
  return [sources.cachePageSize.mistake(`cache.page_size: ${spellByteSize(bytes)} is ${limit}.`)];
}
