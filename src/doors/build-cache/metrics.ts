import { Counter, Histogram, type Registry, Summary } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../../telemetry/metrics.ts';

export interface BuildCacheMetrics {
  readonly hits: Counter<'protocol'>;
  readonly misses: Counter<'protocol'>;
  readonly uploads: Counter<'protocol' | 'outcome'>;
  readonly failures: Counter<'protocol' | 'code'>;
  readonly bytes: Counter<'protocol' | 'direction' | 'route'>;
  readonly clientLookups: Counter<'protocol' | 'source' | 'event'>;
  readonly clientSavedSeconds: Counter<'protocol' | 'source'>;
  readonly incompleteResults: Counter;
  readonly negotiationSeconds: Histogram<'form'>;
  /** The name early dashboards use for the same measurement. */
  readonly negotiationSecondsLegacy: Summary;
}

export function buildCacheMetrics(registry: Registry): BuildCacheMetrics {
  const registers = [registry];
  return {
    hits: new Counter({
      name: 'vc_cache_hits_total',
      help: 'Lookups that found an artifact.',
      labelNames: ['protocol'],
      registers,
    }),
    misses: new Counter({
      name: 'vc_cache_misses_total',
      help: 'Lookups that found nothing; the client builds.',
      labelNames: ['protocol'],
      registers,
    }),
    uploads: new Counter({
      name: 'vc_cache_uploads_total',
      help: 'Uploads asked for, by outcome: needed (a URL was handed out), skipped (stored already), stored, exists or failed (bytes that passed through this server), refused (such bytes, or a token that writes nothing), dropped (refused, and the client was told all is well, as it would else give the cache up).',
      labelNames: ['protocol', 'outcome'],
      registers,
    }),
    failures: new Counter({
      name: 'vc_cache_failures_total',
      help: 'Requests in the protocols of other build tools that failed, by the code of what went wrong. Some of their clients are told a plain miss instead, so that no build breaks.',
      labelNames: ['protocol', 'code'],
      registers,
    }),
    bytes: new Counter({
      name: 'vc_cache_bytes_total',
      help: 'Artifact bytes by direction (read, write) and route: proxied through this server, or presigned (handed out for the client to fetch from the storage itself).',
      labelNames: ['protocol', 'direction', 'route'],
      registers,
    }),
    clientLookups: new Counter({
      name: 'vc_client_lookups_total',
      help: 'Lookups that clients tell of, those in their local caches too, by source (local, remote) and event (hit, miss). Turborepo tells.',
      labelNames: ['protocol', 'source', 'event'],
      registers,
    }),
    clientSavedSeconds: new Counter({
      name: 'vc_client_saved_seconds_total',
      help: 'Time that tasks took when they ran and that hits saved, as clients tell it, by source.',
      labelNames: ['protocol', 'source'],
      registers,
    }),
    incompleteResults: new Counter({
      name: 'vc_incomplete_action_results_total',
      help: 'Action results of Bazel that were answered as a miss because a blob they name is gone.',
      registers,
    }),
    negotiationSeconds: new Histogram({
      name: 'vc_negotiation_latency_seconds',
      help: 'How long a negotiation took to answer, by form: single or batch.',
      labelNames: ['form'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    negotiationSecondsLegacy: new Summary({
      name: 'vc_negotiation_latency',
      help: 'The same as vc_negotiation_latency_seconds, in seconds, under its older name.',
      percentiles: [0.5, 0.9, 0.99],
      maxAgeSeconds: 600,
      ageBuckets: 5,
      registers,
    }),
  };
}
