/**
 * What a million small entries of the memory tier take of the process, beside the entries themselves: what the tier
 * counts for each must not be less. Beside a bare `Map` that holds the same.
 */
import { spawnSync } from 'node:child_process';
import { systemClock } from '../src/base/clock.ts';
import { EVICTIONS, type EvictionName, openEviction } from '../src/cache/eviction/open-eviction.ts';
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from '../src/cache/memory-tier.ts';
import { table } from './results.ts';

const ENTRIES = 1_000_000;
const BODY_BYTES = 100;

type Holder = EvictionName | 'bare Map';

const [holder] = process.argv.slice(2);
if (holder === undefined) printAll();
else console.log(JSON.stringify(measure(holder as Holder)));

interface Measured {
  readonly heap: number;
  readonly resident: number;
}

/** Each in a process of its own, so that none inherits another's room. */
function printAll(): void {
  const rows = [...EVICTIONS, 'bare Map' as const].map((name) => {
    const args = ['--expose-gc', '--max-old-space-size=8192', import.meta.filename, name];
    const { stdout, status } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) throw new Error(`the measurement of ${name} failed`);
    const { heap, resident } = JSON.parse(stdout) as Measured;
    return [name, String(Math.round(heap)), String(Math.round(resident))];
  });
  console.log(
    `Bytes for each of ${ENTRIES.toLocaleString('en')} entries, their ${BODY_BYTES} bytes of body and their keys of 26 characters taken off. The tier counts ${ENTRY_OVERHEAD_BYTES} for each.\n`,
  );
  console.log(table([['held by', 'heap and buffers', 'resident'], ...rows]));
}

function measure(name: Holder): Measured {
  const hold = holderOf(name);
  const before = memory();
  for (let i = 0; i < ENTRIES; i++) {
    const key = `turborepo/${(i * 2_654_435_761).toString(16).padStart(16, '0')}`;
    hold(key, new Uint8Array(BODY_BYTES));
  }
  const after = memory();
  hold('one more', new Uint8Array()); // or all of it would be garbage by now
  const own = BODY_BYTES + 'turborepo/0123456789abcdef'.length;
  return {
    heap: (after.heap - before.heap) / ENTRIES - own,
    resident: (after.resident - before.resident) / ENTRIES - own,
  };
}

function holderOf(name: Holder): (key: string, body: Uint8Array) => void {
  if (name === 'bare Map') {
    const map = new Map<string, Uint8Array>();
    return (key, body) => void map.set(key, body);
  }
  const tier = new MemoryTier<Uint8Array>({
    maxBytes: Number.MAX_SAFE_INTEGER,
    ttlMs: 3600_000,
    eviction: openEviction(name),
    clock: systemClock,
  });
  return (key, body) => {
    if (!tier.set(key, body, body.length)) throw new Error('unreachable: there is room for all');
  };
}

function memory(): { readonly heap: number; readonly resident: number } {
  const { gc } = globalThis;
  if (!gc) throw new Error('run with --expose-gc');
  gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed + arrayBuffers, resident: rss };
}
