import { ManualClock } from './manual-clock.ts';
import { openDiskTier, SlowDiskClock, store } from './opened-disk-tier.ts';

/**
 * A process that writes into a disk tier until it is killed: `node disk-tier-writers.ts <folder> quick|slow`. Says a
 * line for each hundred entries it stored.
 */
export const WRITTEN_KEYS = Array.from({ length: 60 }, (_, i) => `key ${i}`);

/** Tells its key and its turn throughout, as the metadata does once. */
export function writtenBody(key: string, turn: string): Buffer {
  const line = `${key}, turn ${turn}\n`;
  const sizeBytes = 1 + ((Number(key.slice(4)) * 13_007) % 400_000);
  return Buffer.alloc(sizeBytes, line);
}

async function writeForEver(folder: string, disk: string): Promise<void> {
  const clock = disk === 'slow' ? new SlowDiskClock() : new ManualClock();
  const { tier } = await openDiskTier(folder, { maxBytes: 6_000_000, accessUpdateIntervalMs: 0, clock });
  let stored = 0;
  const write = async (worker: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const key = WRITTEN_KEYS[(worker * 7 + turn) % WRITTEN_KEYS.length] ?? '';
      const text = `${process.pid} ${worker} ${turn}`;
      if ((await store(tier, key, writtenBody(key, text), text)) && ++stored % 100 === 0) console.log(stored);
      await (await tier.read(key))?.bytes();
      if (turn % 9 === 0) await tier.delete(key);
      await new Promise(setImmediate);
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map(write));
}

if (import.meta.main) await writeForEver(process.argv[2] ?? '', process.argv[3] ?? '');
