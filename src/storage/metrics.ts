import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../telemetry/metrics.ts';

export interface StorageMetrics {
  readonly operations: Counter<'driver' | 'operation' | 'outcome'>;
  readonly durations: Histogram<'driver' | 'operation'>;
  readonly damaged: Counter<'driver' | 'reason'>;
  readonly retries: Counter<'driver' | 'operation'>;
  readonly hedges: Counter<'driver' | 'outcome'>;
  readonly failovers: Counter<'store'>;
  readonly circuitOpen: Gauge<'driver'>;
  readonly evictions: Counter<'tier' | 'reason'>;
  readonly evictedBytes: Counter<'tier'>;
  readonly entries: Gauge<'tier'>;
  readonly sizeBytes: Gauge<'tier'>;
}

export function storageMetrics(registry: Registry): StorageMetrics {
  const registers = [registry];
  return {
    operations: new Counter({
      name: 'vc_storage_operations_total',
      help: 'Calls to the storage driver by outcome: hit, miss, stored, exists, done or error.',
      labelNames: ['driver', 'operation', 'outcome'],
      registers,
    }),
    durations: new Histogram({
      name: 'vc_storage_operation_duration_seconds',
      help: 'How long the storage driver took to answer; for a read, until its body begins.',
      labelNames: ['driver', 'operation'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    damaged: new Counter({
      name: 'vc_storage_damaged_total',
      help: 'Entries found damaged, removed and answered as a miss, by reason: torn or digest-mismatch.',
      labelNames: ['driver', 'reason'],
      registers,
    }),
    retries: new Counter({
      name: 'vc_storage_retries_total',
      help: 'Calls that were made again after the storage did not answer as it should.',
      labelNames: ['driver', 'operation'],
      registers,
    }),
    hedges: new Counter({
      name: 'vc_storage_hedges_total',
      help: 'Reads that were sent a second time while the first request was waited for, by outcome: won where the second one’s answer counted, else lost.',
      labelNames: ['driver', 'outcome'],
      registers,
    }),
    failovers: new Counter({
      name: 'vc_storage_failovers_total',
      help: 'Reads of a failover that a later store answered in place of an earlier one, by the failover’s name.',
      labelNames: ['store'],
      registers,
    }),
    circuitOpen: new Gauge({
      name: 'vc_storage_circuit_open',
      help: '1 while the storage is left alone after it failed several times in a row, else 0.',
      labelNames: ['driver'],
      registers,
    }),
    evictions: new Counter({
      name: 'vc_cache_evictions_total',
      help: 'Entries removed to keep within the limits, by reason: age, bytes or entries.',
      labelNames: ['tier', 'reason'],
      registers,
    }),
    evictedBytes: new Counter({
      name: 'vc_cache_evicted_bytes_total',
      help: 'Bytes of the entries removed to keep within the limits.',
      labelNames: ['tier'],
      registers,
    }),
    entries: new Gauge({
      name: 'vc_cache_entries',
      help: 'Entries that were there when they were last counted, which is every hour where limits are set.',
      labelNames: ['tier'],
      registers,
    }),
    sizeBytes: new Gauge({
      name: 'vc_cache_size_bytes',
      help: 'Bytes of the entries that were there when they were last counted.',
      labelNames: ['tier'],
      registers,
    }),
  };
}
