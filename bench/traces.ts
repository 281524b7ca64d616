/** Traces of key numbers, the same in every run: what a cache is asked for, one after the other. */
export type Trace = Uint32Array;

/** Key `n` is asked for in proportion to 1 / (n + 1)^skew. */
export interface Zipf {
  readonly keys: number;
  readonly skew: number;
  readonly requests: number;
}

const SEED = 1;

export function zipfTrace({ keys, skew, requests }: Zipf): Trace {
  const cumulative = new Float64Array(keys);
  let sum = 0;
  for (let key = 0; key < keys; key++) {
    sum += (key + 1) ** -skew;
    cumulative[key] = sum;
  }
  const random = randomNumbers(SEED);
  return Uint32Array.from({ length: requests }, () => firstAbove(cumulative, random() * sum));
}

/** After every `length` requests of the trace, as many for keys that are asked for this once. */
export function withScans(trace: Trace, length: number): Trace {
  const scanned = Uint32Array.from(trace, (_, at) => 2 ** 31 + at);
  const mixed = new Uint32Array(trace.length * 2);
  for (let at = 0; at < trace.length; at += length) {
    mixed.set(trace.subarray(at, at + length), at * 2);
    mixed.set(scanned.subarray(at, at + length), at * 2 + Math.min(length, trace.length - at));
  }
  return mixed;
}

/** After every `length` requests the same skew falls on other keys. */
export function withShifts(trace: Trace, length: number): Trace {
  const keys = trace.reduce((most, key) => Math.max(most, key), 0) + 1;
  return trace.map((key, at) => key + Math.floor(at / length) * keys);
}

/** All keys in turn, again and again. */
export function loopTrace(keys: number, requests: number): Trace {
  return Uint32Array.from({ length: requests }, (_, at) => at % keys);
}

/** From 0 to below 1, by a xorshift of 32 bits (Marsaglia, "Xorshift RNGs", 2003). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function firstAbove(ascending: Float64Array, value: number): number {
  let from = 0;
  let to = ascending.length - 1;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ascending[middle] ?? 0) > value) to = middle;
    else from = middle + 1;
  }
  return from;
}
