/**
 * How much does each eviction algorithm find in a cache that is smaller than what it is asked for, beside the
 * optimum, which knows what is to come? And what does a call cost, beside a bare `Map` that keeps no order?
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Eviction } from '../src/cache/eviction/eviction.ts';
import { EVICTIONS, openEviction } from '../src/cache/eviction/open-eviction.ts';
import { beladyHits } from './belady.ts';
import { median, table } from './results.ts';
import { loopTrace, type Trace, withScans, withShifts, zipfTrace } from './traces.ts';

const KEYS = 100_000;
const REQUESTS = 1_000_000;
const SCAN_LENGTH = 10_000;
const SHIFT_AFTER = 200_000;
/** Keys that fit: a thousandth, a hundredth, a tenth of all. */
const CAPACITIES = [100, 1_000, 10_000];
const TIMED_CAPACITIES = [1_000, 100_000, 1_000_000];
/** The memory of fewer keys is lost in that of all else. */
const FEWEST_WEIGHED = 100_000;
const TIMED_CALLS = 1_000_000;
const ROUNDS = 3;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

console.log(hitRatios());
console.log(`\n${costs()}`);

function hitRatios(): string {
  const mild = zipfTrace({ keys: KEYS, skew: 0.7, requests: REQUESTS });
  const steep = zipfTrace({ keys: KEYS, skew: 1, requests: REQUESTS });
  const scanned = withScans(steep.subarray(0, REQUESTS / 2), SCAN_LENGTH);
  const shifted = withShifts(steep, SHIFT_AFTER);
  const traces: [string, (capacity: number) => Trace][] = [
    ['Zipf, skew 0.7', () => mild],
    ['Zipf, skew 1.0', () => steep],
    ['Zipf, skew 1.0, and scans', () => scanned],
    ['Zipf, skew 1.0, shifting', () => shifted],
    ['loop', (capacity) => loopTrace(Math.round(capacity * 1.1), REQUESTS)],
  ];
  const rows = traces.flatMap(([name, traceFor]) =>
    CAPACITIES.map((capacity) => {
      const trace = traceFor(capacity);
      const best = beladyHits(trace, capacity);
      const hits = EVICTIONS.map((algorithm) => hitsOf(openEviction(algorithm), trace, capacity));
      if (hits.some((some) => some > best)) throw new Error(`${name}: better than the optimum`);
      return [
        name,
        capacity.toLocaleString('en'),
        ...[...hits, best].map((of) => percent(of / trace.length)),
      ];
    }),
  );
  return `Hit ratio: hits among all requests, of a cache that begins empty. ${millions(REQUESTS)} requests for ${KEYS.toLocaleString('en')} keys of one size.
Scans: after every ${SCAN_LENGTH.toLocaleString('en')} requests as many for keys that are asked for once. Shifting: after every ${SHIFT_AFTER.toLocaleString('en')} requests other keys are the hot ones.
Loop: a tenth more keys than fit, in turn. Optimum: Belady's, of algorithms that keep what they miss.

${table([['trace', 'keys that fit', ...EVICTIONS, 'optimum'], ...rows])}`;
}

/** As a tier does: room is made before a key comes in. */
function hitsOf(eviction: Eviction, trace: Trace, capacity: number): number {
  const resident = new Set<string>();
  let hits = 0;
  for (const number of trace) {
    const key = String(number);
    if (resident.has(key)) {
      hits++;
      eviction.touch(key);
      continue;
    }
    if (resident.size === capacity) {
      const evicted = eviction.evict();
      if (evicted === undefined || !resident.delete(evicted))
        throw new Error('it gave a key that is not there');
    }
    resident.add(key);
    eviction.admit(key);
  }
  return hits;
}

/** What the platform costs without us: it is told the order in which keys come, and keeps none. */
function bareMap(inOrder: readonly string[]): Eviction & { found: number } {
  const kept = new Map<string, number>();
  let first = 0;
  return {
    found: 0,
    admit: (key) => void kept.set(key, 1),
    /** What it finds is used, or the compiler would leave the look-up out. */
    touch(key) {
      this.found += kept.get(key) ?? 0;
    },
    forget: (key) => void kept.delete(key),
    evict: () => {
      const key = inOrder[first++] ?? '';
      return kept.delete(key) ? key : undefined;
    },
  };
}

interface Cost {
  readonly touchNs: number;
  readonly replaceNs: number;
  readonly bytes: number;
}

function costs(): string {
  const rows = TIMED_CAPACITIES.flatMap(costRows);
  return `Processor time of a call, medians of ${ROUNDS} rounds in turn of ${millions(TIMED_CALLS)} calls each. Touch: of a key that is there, skew 1.0. Replace: one key goes, a new one comes.
Memory: for each key that is there, after all those calls, ghosts included, the text of keys left out.

${table([['algorithm', 'keys', 'touch', 'replace', 'memory a key'], ...rows])}`;
}

function costRows(capacity: number): string[][] {
  // As long as a digest.
  const keys = Array.from({ length: capacity + TIMED_CALLS }, (_, n) => String(n).padStart(64, '0'));
  const touched = zipfTrace({ keys: capacity, skew: 1, requests: TIMED_CALLS });
  const contests = [
    ...EVICTIONS.map((name) => ({ name, open: () => openEviction(name), costs: [] as Cost[] })),
    { name: 'bare `Map`', open: () => bareMap(keys), costs: [] as Cost[] },
  ];
  for (let round = 0; round < ROUNDS; round++)
    for (const { open, costs } of contests) costs.push(costOf(open, keys, touched, capacity));
  return contests.map(({ name, costs }) => {
    const middle = (pick: (cost: Cost) => number): string => String(Math.round(median(costs.map(pick))));
    return [
      name,
      capacity.toLocaleString('en'),
      `${middle(({ touchNs }) => touchNs)} ns`,
      `${middle(({ replaceNs }) => replaceNs)} ns`,
      capacity < FEWEST_WEIGHED ? '' : `${middle(({ bytes }) => bytes)} B`,
    ];
  });
}

function costOf(open: () => Eviction, keys: readonly string[], touched: Trace, capacity: number): Cost {
  const before = usedBytes();
  const eviction = open();
  for (const key of keys.slice(0, capacity)) eviction.admit(key);
  const touchNs = nsEach(() => {
    for (const number of touched) eviction.touch(keys[number] ?? '');
  });
  const replaceNs = nsEach(() => {
    for (let next = capacity; next < capacity + TIMED_CALLS; next++) {
      eviction.evict();
      eviction.admit(keys[next] ?? '');
    }
  });
  const bytes = (usedBytes() - before) / capacity;
  // Used once more, or it would be garbage when its memory is measured.
  if (eviction.evict() === undefined) throw new Error('it lost its keys');
  return { touchNs, replaceNs, bytes };
}

/** Processor time of this thread: others use the machine, too. */
function nsEach(calls: () => void): number {
  const before = process.threadCpuUsage();
  calls();
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * 1000) / TIMED_CALLS;
}

function usedBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

function millions(count: number): string {
  return `${count / 1e6} million`;
}
