import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { ReadOutcome } from '../cache/read-through.ts';
import type { TierLevel } from '../cache/tiers.ts';
import { PendingCounter } from '../telemetry/pending-counter.ts';

/** What there is at the moment. */
export interface BucketLevels {
  readonly flights: number;
  readonly tiers: readonly TierLevel[];
}

export interface BucketMetrics {
  readonly reads: PendingCounter<ReadOutcome>;
  readonly writes: Counter<'outcome'>;
  readonly bytes: PendingCounter<'egress' | 'ingress' | 'fetched'>;
  readonly upstreamErrors: Counter<'bucket' | 'kind'>;
  readonly prefetches: Counter<'outcome'>;
  readonly diskTrouble: Counter<'kind'>;
  /** Set by whoever has the tiers, asked at each scrape. */
  readonly levels: { read: () => BucketLevels };
}

export function bucketMetrics(registry: Registry): BucketMetrics {
  const registers = [registry];
  const levels: BucketMetrics['levels'] = { read: () => ({ flights: 0, tiers: [] }) };
  new Gauge({
    name: 'vc_gateway_fetches_in_flight',
    help: 'Objects, and pages of them, that are being fetched from their buckets.',
    registers,
    collect() {
      this.set(levels.read().flights);
    },
  });
  new Gauge({
    name: 'vc_gateway_entries',
    help: 'Objects, and pages of them, that the gateway’s tiers hold.',
    labelNames: ['tier'],
    registers,
    collect() {
      for (const { tier, entries } of levels.read().tiers) this.set({ tier }, entries);
    },
  });
  new Gauge({
    name: 'vc_gateway_size_bytes',
    help: 'Bytes that the gateway’s tiers hold, of objects and of what is kept beside them.',
    labelNames: ['tier'],
    registers,
    collect() {
      for (const { tier, bytes } of levels.read().tiers) this.set({ tier }, bytes);
    },
  });
  new Gauge({
    name: 'vc_gateway_lent_bytes',
    help: 'Of the bytes in memory, those of bodies that are being sent: no eviction makes room of them before their readers have taken them.',
    registers,
    collect() {
      this.set(levels.read().tiers.reduce((sum, { lentBytes = 0 }) => sum + lentBytes, 0));
    },
  });
  new Counter({
    name: 'vc_gateway_evictions_total',
    help: 'Objects, and pages of them, that went from a tier of the gateway to make room for others.',
    labelNames: ['tier'],
    registers,
    collect() {
      this.reset();
      for (const { tier, evictions } of levels.read().tiers) this.inc({ tier }, evictions);
    },
  });
  return {
    levels,
    reads: new PendingCounter({
      name: 'vc_gateway_reads_total',
      help: 'Objects that were read, by outcome: memory or disk (the tier that held it), joined (another’s flight), miss (fetched and kept), through (fetched, too large to be kept), absent, failed.',
      labelNames: ['outcome'],
      registers,
    }),
    writes: new Counter({
      name: 'vc_gateway_writes_total',
      help: 'Objects that were uploaded, by outcome: stored, overwritten, refused or failed.',
      labelNames: ['outcome'],
      registers,
    }),
    bytes: new PendingCounter({
      name: 'vc_gateway_bytes_total',
      help: 'Bytes of objects by direction: egress (to clients), ingress (from clients), fetched (from buckets).',
      labelNames: ['direction'],
      registers,
    }),
    upstreamErrors: new Counter({
      name: 'vc_gateway_upstream_errors_total',
      help: 'Requests that a bucket did not answer as it should, by the code of the error.',
      labelNames: ['bucket', 'kind'],
      registers,
    }),
    prefetches: new Counter({
      name: 'vc_gateway_prefetches_total',
      help: 'Objects that were asked for ahead of their use, by outcome: done, failed, or dropped: too many were under way, or there is no such object or no room for it.',
      labelNames: ['outcome'],
      registers,
    }),
    diskTrouble: new Counter({
      name: 'vc_gateway_disk_trouble_total',
      help: 'What was wrong with the disk tier or with what lay on it, by kind; what is concerned is a miss.',
      labelNames: ['kind'],
      registers,
    }),
  };
}
