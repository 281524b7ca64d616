import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DiskTier, type DiskTierOptions } from '../../src/cache/disk-tier/disk-tier.ts';
import { OWN_LAYOUT } from '../../src/cache/disk-tier/entry-layout.ts';
import { openEviction } from '../../src/cache/eviction/open-eviction.ts';
import { ManualClock } from './manual-clock.ts';

export interface Meta {
  readonly type: string;
}

export function parseMeta(raw: unknown): Meta | undefined {
  if (typeof raw !== 'object' || raw === null || !('type' in raw)) return undefined;
  return typeof raw.type === 'string' ? { type: raw.type } : undefined;
}

/** A disk tier with what it tells on the side. */
export interface OpenedDiskTier extends AsyncDisposable {
  readonly tier: DiskTier<Meta>;
  readonly clock: ManualClock;
  /** Kinds, in the order they came. */
  readonly troubles: string[];
  readonly evicted: string[];
}

export async function openDiskTier(
  folder: string,
  options: Partial<DiskTierOptions<Meta>> & { readonly clock?: ManualClock } = {},
): Promise<OpenedDiskTier> {
  const { clock = new ManualClock() } = options;
  const troubles: string[] = [];
  const evicted: string[] = [];
  const tier = await DiskTier.open<Meta>({
    folder,
    maxBytes: 100_000_000,
    cleanupIntervalMs: 0,
    accessUpdateIntervalMs: 60_000,
    eviction: openEviction('lru'),
    clock,
    parseMeta,
    onTrouble: (kind) => troubles.push(kind),
    onEvict: (reason) => evicted.push(reason),
    ...options,
  });
  return { tier, clock, troubles, evicted, [Symbol.asyncDispose]: () => tier.close() };
}

/** With it the file system seems to be slow, so that all calls go through the thread pool and meet each other. */
export class SlowDiskClock extends ManualClock {
  #elapsed = 0;

  override elapsed(): number {
    return this.#elapsed++;
  }
}

/** Whether the body is an entry now. */
export async function store(
  tier: DiskTier<Meta>,
  key: string,
  body: Uint8Array | string,
  type = 'text/plain',
): Promise<boolean> {
  const bytes = Buffer.from(body);
  const writing = await tier.write(key, { type }, bytes.length);
  if (writing === undefined) return false;
  await writing.append(bytes);
  return writing.commit();
}

/** Without a read, which is a use and removes what is wrong. */
export function holds(tier: DiskTier<Meta>, key: string): boolean {
  return tier.sizeOf(key) !== undefined;
}

/** The whole body; `undefined` is a miss. */
export async function load(tier: DiskTier<Meta>, key: string): Promise<Buffer | undefined> {
  return (await tier.read(key))?.bytes();
}

/** The whole body, read as a stream; `undefined` is a miss. */
export async function loadStream(tier: DiskTier<Meta>, key: string): Promise<Buffer | undefined> {
  const reading = await tier.read(key);
  return reading && buffer(reading.stream('whole'));
}

export function entryPath(folder: string, key: string, kind: 'bin' | 'json'): string {
  const name = OWN_LAYOUT.nameOf(key);
  return join(folder, 'cache-v1', name.slice(0, 2), `${name}.${kind}`);
}
