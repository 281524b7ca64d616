import { Gauge, Registry } from '@prometheus-io/client';
import { type LimitMetrics, limitMetrics } from '../auth/limits/metrics.ts';
import { type AuthMetrics, authMetrics } from '../auth/metrics.ts';
import { type BucketMetrics, bucketMetrics } from '../buckets/metrics.ts';
import { type BuildCacheMetrics, buildCacheMetrics } from '../doors/build-cache/metrics.ts';
import { type FilesMetrics, filesMetrics } from '../doors/files/metrics.ts';
import { type OffloadMetrics, offloadMetrics } from '../doors/offload/metrics.ts';
import { type ProxyMetrics, proxyMetrics } from '../doors/proxy/metrics.ts';
import type { HttpApp } from '../http/listener.ts';
import { type HttpMetrics, httpMetrics } from '../http/metrics.ts';
import { type StorageMetrics, storageMetrics } from '../storage/metrics.ts';

export interface ServerMetrics {
  readonly registry: Registry;
  readonly auth: AuthMetrics;
  readonly buckets: BucketMetrics;
  readonly buildCache: BuildCacheMetrics;
  readonly files: FilesMetrics;
  readonly http: HttpMetrics;
  readonly limits: LimitMetrics;
  readonly offload: OffloadMetrics;
  readonly proxy: ProxyMetrics;
  readonly storage: StorageMetrics;
}

/** Every metric of the server, in one registry of its own. */
export function openMetrics(version: string): ServerMetrics {
  const registry = new Registry();
  new Gauge({
    name: 'vc_build_info',
    help: 'Always 1; the labels say what is running.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.versions.node }, 1);
  return {
    registry,
    auth: authMetrics(registry),
    buckets: bucketMetrics(registry),
    buildCache: buildCacheMetrics(registry),
    files: filesMetrics(registry),
    http: httpMetrics(registry),
    limits: limitMetrics(registry),
    offload: offloadMetrics(registry),
    proxy: proxyMetrics(registry),
    storage: storageMetrics(registry),
  };
}

/** `/metrics` in Prometheus' text format. It names routes and counts, never keys or tokens. */
export function registerMetrics(app: HttpApp, { registry }: ServerMetrics): void {
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
