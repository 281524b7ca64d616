import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../telemetry/metrics.ts';

export interface HttpMetrics {
  readonly requests: Counter<'route' | 'method' | 'code'>;
  readonly durations: Histogram<'route' | 'method'>;
  readonly inFlight: Gauge;
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      name: 'vc_http_requests_total',
      help: 'Requests answered, by route pattern, method and status; code is "aborted" where the client left first.',
      labelNames: ['route', 'method', 'code'],
      registers,
    }),
    durations: new Histogram({
      name: 'vc_http_request_duration_seconds',
      help: 'From a request’s head to the end of its answer, bodies included.',
      labelNames: ['route', 'method'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    inFlight: new Gauge({
      name: 'vc_http_requests_in_flight',
      help: 'Requests being answered now.',
      registers,
    }),
  };
}
