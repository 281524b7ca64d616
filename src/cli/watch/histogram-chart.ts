import type { HistogramReply } from '../../wire/proxy-admin.ts';
import { formatLatency } from './format-latency.ts';

const HIT = '|';
const MISS = '#';
const PERCENTILES = [50, 90, 99] as const;

/**
 * How many answers took how long: a column a bucket, hits below and misses above them, and the time under every tenth.
 * A column that holds anything is never empty.
 * @param height in lines, of the highest column
 */
export function histogramChart(histogram: HistogramReply, height = 12): readonly string[] {
  const { bounds, hits, misses } = histogram;
  const most = Math.max(...bounds.map((_, at) => (hits[at] ?? 0) + (misses[at] ?? 0)));
  if (most === 0) return ['Nothing was answered from the cache or by an origin yet.'];
  const columns = bounds.map((_, at) => columnOf(hits[at] ?? 0, misses[at] ?? 0, most, height));
  const lines = Array.from({ length: height }, (_, at) =>
    columns
      .map((column) => column[height - 1 - at] ?? ' ')
      .join('')
      .trimEnd(),
  );
  return [
    ...lines,
    '+---------'.repeat(Math.ceil(bounds.length / 10)),
    axisOf(bounds),
    '',
    `${HIT} hits    ${summaryOf(bounds, hits)}`,
    `${MISS} misses  ${summaryOf(bounds, misses)}`,
  ];
}

/** From below: hits, then misses. */
function columnOf(hits: number, misses: number, most: number, height: number): string {
  const least = (hits > 0 ? 1 : 0) + (misses > 0 ? 1 : 0);
  const total = Math.max(least, Math.round(((hits + misses) / most) * height));
  const ofMisses = misses === 0 ? 0 : Math.max(1, Math.round((misses / (hits + misses)) * total));
  const ofHits = Math.max(hits > 0 ? 1 : 0, total - ofMisses);
  return HIT.repeat(ofHits) + MISS.repeat(total - ofHits);
}

function axisOf(bounds: readonly number[]): string {
  let axis = '';
  for (let at = 0; at < bounds.length; at += 10) axis += formatLatency(bounds[at] ?? 0).padEnd(10);
  return axis.trimEnd();
}

/** Times are those of buckets, so up to a quarter too long. */
function summaryOf(bounds: readonly number[], counts: readonly number[]): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return '0';
  const times = PERCENTILES.map((percent) => {
    let left = Math.ceil((total * percent) / 100);
    const at = counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return `${percent} % within ${formatLatency(bounds[at] ?? 0)}`;
  });
  return `${total.toLocaleString('en')}: ${times.join(', ')}`;
}
