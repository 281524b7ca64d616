import type { Clock } from '../base/clock.ts';
import type { Backends } from '../doors/proxy/backends/backends.ts';
import { CachingProxy } from '../doors/proxy/cache/caching-proxy.ts';
import { HotHits } from '../doors/proxy/cache/hot-hits.ts';
import { openAnswerStore } from '../doors/proxy/cache/open-answer-store.ts';
import { PolicySteps } from '../doors/proxy/cache/policy-steps.ts';
import type { CacheLevels, ProxyMetrics } from '../doors/proxy/metrics.ts';
import type { Policy } from '../doors/proxy/policy/policy.ts';
import type { Forwarding, ProxyHandler } from '../doors/proxy/proxy-handler.ts';
import type { Purges } from '../doors/proxy/purge/purges.ts';
import type { ResponseInterceptor } from '../http/response-interceptor.ts';
import { type CachePolicy, RFC_POLICY } from '../http-cache/policy.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RareWarning } from '../telemetry/rare-warning.ts';
import type { ServerSettings } from './settings.ts';

export interface ProxyCacheSurroundings {
  readonly backends: Backends;
  readonly forwarding: Forwarding;
  readonly policy: Policy | undefined;
  readonly interceptors: readonly ResponseInterceptor[];
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the proxy keeps, and who answers from it. */
export interface OpenProxyCache {
  readonly handler: ProxyHandler;
  /** For connections without TLS. */
  readonly hits: HotHits;
  readonly purges: Purges;
  /** What there is now. */
  gauges(): CacheLevels;
  close(): Promise<void>;
}

/** Our name in Cache-Status. */
const NAME = 'velocity';

/** @throws VelocityError `STORAGE_*` where the disk tier's folder cannot be used */
export async function openProxyCache(
  settings: ServerSettings,
  { backends, forwarding, policy: module, interceptors, metrics, clock, logger }: ProxyCacheSurroundings,
): Promise<OpenProxyCache> {
  const policy: CachePolicy = { ...RFC_POLICY, graceSeconds: Math.floor(settings.proxyGrace / 1000) };
  const trouble = new RareWarning({ clock, logger }, 'the disk tier of the proxy has trouble');
  const { proxyMaxDisk = 0 } = settings;
  const opened = await openAnswerStore(
    {
      maxEntries: settings.proxyMaxEntries,
      maxMemory: settings.proxyMaxMemory,
      maxObjectSize: settings.proxyMaxObjectSize,
      eviction: settings.proxyEviction,
      disk: proxyMaxDisk > 0 ? { folder: settings.proxyDiskPath, maxBytes: proxyMaxDisk } : undefined,
    },
    {
      ...{ policy, clock },
      onDiskTrouble(kind, error) {
        metrics.diskTrouble.inc({ kind });
        trouble.happened({ kind, err: error });
      },
    },
  );
  const { store, purges, memory, disk } = opened;
  const handler = new CachingProxy({
    ...{ store, purges, policy, clock, logger, backends, forwarding },
    steps: new PolicySteps(module),
    interceptors,
    name: NAME,
  });
  const { via, trusted } = forwarding;
  const hits = new HotHits({
    ...{ store, clock, name: NAME, via, trusted, scheme: 'http', rules: policy },
    policy: module,
  });
  const gauges = (): CacheLevels => ({
    entries: store.index.size,
    flights: handler.flights,
    memory_bytes: memory.bytes,
    head_bytes: store.index.headBytes,
    lent_bytes: memory.lentBytes,
    evictions: memory.evictions + store.index.evictions,
    bans: purges.bans().length,
    ...(disk && { disk_entries: disk.size, disk_bytes: disk.bytes }),
  });
  metrics.levels.read = gauges;
  return { handler, hits, purges, gauges, close: () => opened.close() };
}
