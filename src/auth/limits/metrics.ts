import { Counter, type Registry } from '@prometheus-io/client';

export interface LimitMetrics {
  readonly limited: Counter<'by' | 'what'>;
}

export function limitMetrics(registry: Registry): LimitMetrics {
  return {
    limited: new Counter({
      name: 'vc_rate_limited_total',
      help: 'Requests refused with 429, by whose limit it was (token, address) and what of (requests, bytes).',
      labelNames: ['by', 'what'],
      registers: [registry],
    }),
  };
}
