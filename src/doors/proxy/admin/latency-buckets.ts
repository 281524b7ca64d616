/** Ten buckets a decade, from what takes up to 10 µs to what takes over 79 s: as many as a terminal has columns. */
const BUCKETS_PER_DECADE = 10;
const FIRST_EXPONENT = -2;
const DECADES = 7;

/** The longest time of each bucket, in ms. */
export const LATENCY_BOUNDS: readonly number[] = Array.from(
  { length: BUCKETS_PER_DECADE * DECADES },
  (_, at) => Number((10 ** (FIRST_EXPONENT + at / BUCKETS_PER_DECADE)).toPrecision(4)),
);

const LAST = LATENCY_BOUNDS.length - 1;
const SHORTEST_MS = LATENCY_BOUNDS[0] ?? 0;
const LONGEST_MS = LATENCY_BOUNDS[LAST] ?? 0;

/** By leading zero bits of a time in whole microseconds: the first bucket that any such time may be in. */
const FIRST_OF_OCTAVE = Uint8Array.from({ length: 33 }, (_, zeros) => {
  const leastMs = zeros === 32 ? 0 : 2 ** (31 - zeros) / 1000;
  return Math.min(
    LAST,
    LATENCY_BOUNDS.findIndex((bound) => bound >= leastMs || bound === LONGEST_MS),
  );
});

/** The first bucket whose bound is not less, else the last. There are four at most to look at. */
export function latencyBucket(ms: number): number {
  if (ms <= SHORTEST_MS) return 0;
  if (!(ms <= LONGEST_MS)) return LAST;
  let at = FIRST_OF_OCTAVE[Math.clz32(ms * 1000)] ?? 0;
  while (ms > (LATENCY_BOUNDS[at] ?? LONGEST_MS)) at++;
  return at;
}
