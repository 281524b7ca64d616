import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import type { BinaryCache } from './binary-cache.ts';

export interface OffloadMetrics {
  readonly requests: Counter<'result'>;
  readonly buildSeconds: Histogram<'outcome'>;
  readonly retries: Counter;
  readonly evictions: Counter<'reason'>;
  readonly diskTrouble: Counter<'kind'>;
  /** Set by whoever has the cache, asked at each scrape. */
  readonly cache: { now: Pick<BinaryCache, 'size' | 'bytes'> | undefined };
}

/** From what is there already to what a whole server with many plugins takes. */
const BUILD_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600];

export function offloadMetrics(registry: Registry): OffloadMetrics {
  const registers = [registry];
  const cache: OffloadMetrics['cache'] = { now: undefined };
  new Gauge({
    name: 'vc_builds_cache_entries',
    help: 'Binaries that are kept.',
    registers,
    collect() {
      if (cache.now) this.set(cache.now.size);
    },
  });
  new Gauge({
    name: 'vc_builds_cache_size_bytes',
    help: 'Bytes of binaries that are kept.',
    registers,
    collect() {
      if (cache.now) this.set(cache.now.bytes);
    },
  });
  return {
    cache,
    requests: new Counter({
      name: 'vc_builds_requests_total',
      help: 'Responses of origins that asked for a build, by what came of it: cached, built, joined (another’s build), failed, or left: the client did not wait.',
      labelNames: ['result'],
      registers,
    }),
    buildSeconds: new Histogram({
      name: 'vc_builds_duration_seconds',
      help: 'How long builds took with all that was tried again, by outcome: done or failed.',
      labelNames: ['outcome'],
      buckets: BUILD_BUCKETS,
      registers,
    }),
    retries: new Counter({
      name: 'vc_builds_retries_total',
      help: 'Attempts of builds that came to nothing and were made again.',
      registers,
    }),
    evictions: new Counter({
      name: 'vc_builds_cache_evictions_total',
      help: 'Binaries that went to make room, or because they were too old, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    diskTrouble: new Counter({
      name: 'vc_builds_disk_trouble_total',
      help: 'What was wrong with the folder of binaries or with what lay in it, by kind; what is concerned is a miss.',
      labelNames: ['kind'],
      registers,
    }),
  };
}
