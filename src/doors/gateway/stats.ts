import type { Clock } from '../../base/clock.ts';
import type { BucketObjects } from '../../buckets/bucket-objects.ts';
import type { TierLevel } from '../../cache/tiers.ts';
import type { HttpApp } from '../../http/listener.ts';

export interface StatsOptions {
  readonly objects: BucketObjects;
  readonly clock: Clock;
}

const WINDOW_SECONDS = 10;

/** `/stats`: the gateway's numbers for people and load balancers. It names buckets and counts, never keys or tokens. */
export function registerStats(app: HttpApp, options: StatsOptions): void {
  const { objects, clock } = options;
  const { metrics, traffic } = objects;
  const startedAt = clock.elapsed();
  const levelOf = (tier: TierLevel['tier']): object | null => {
    const level = objects.levels().find((each) => each.tier === tier);
    if (!level) return null;
    const { entries, bytes, lentBytes, maxBytes, evictions } = level;
    return { entries, size_bytes: bytes, lent_bytes: lentBytes, max_bytes: maxBytes, evictions };
  };
  app.get('/stats', async () => {
    const reads = await countsOf(metrics.reads.counter, 'outcome');
    const of = (...outcomes: string[]): number =>
      outcomes.reduce((sum, outcome) => sum + (reads[outcome] ?? 0), 0);
    return {
      uptime_seconds: Math.floor((clock.elapsed() - startedAt) / 1000),
      hits: {
        memory: of('memory'),
        disk: of('disk'),
        joined: of('joined'),
        total: of('memory', 'disk', 'joined'),
      },
      misses: {
        fetched: of('miss'),
        through: of('through'),
        absent: of('absent'),
        total: of('miss', 'through', 'absent'),
      },
      failed: of('failed'),
      memory: levelOf('memory'),
      disk: levelOf('disk'),
      inflight: objects.flights,
      writes: await countsOf(metrics.writes, 'outcome'),
      prefetches: await countsOf(metrics.prefetches, 'outcome'),
      bytes: await countsOf(metrics.bytes.counter, 'direction'),
      upstream_errors: await countsOf(metrics.upstreamErrors, 'kind'),
      [`egress_throughput_${WINDOW_SECONDS}s_bps`]: Math.round(traffic.egress.perSecond(WINDOW_SECONDS)),
      [`ingress_throughput_${WINDOW_SECONDS}s_bps`]: Math.round(traffic.ingress.perSecond(WINDOW_SECONDS)),
    };
  });
}

interface Counted {
  get(): Promise<{
    readonly values: readonly {
      readonly value: number;
      readonly labels: Readonly<Record<string, string | number | undefined>>;
    }[];
  }>;
}

/** By one label; what has others besides is added up. */
async function countsOf(counter: Counted, label: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { value, labels } of (await counter.get()).values) {
    const name = String(labels[label]);
    counts[name] = (counts[name] ?? 0) + value;
  }
  return counts;
}
