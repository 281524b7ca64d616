import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { PendingCounter } from '../../telemetry/pending-counter.ts';

export interface FilesMetrics {
  readonly bytes: PendingCounter<'egress' | 'ingress'>;
  readonly writes: PendingCounter<'done' | 'refused' | 'failed'>;
  readonly pruned: Counter<'what'>;
  readonly trouble: Counter<'kind'>;
  /** Set by the door, asked at each scrape. */
  readonly levels: { read: () => { readonly entries: number; readonly isHealthy: boolean } };
}

export function filesMetrics(registry: Registry): FilesMetrics {
  const registers = [registry];
  const levels: FilesMetrics['levels'] = { read: () => ({ entries: 0, isHealthy: true }) };
  new Gauge({
    name: 'vc_files_journal_entries',
    help: 'Entries that the journal of files holds.',
    registers,
    collect() {
      this.set(levels.read().entries);
    },
  });
  new Gauge({
    name: 'vc_files_journal_healthy',
    help: '1 where the last write to the journal of files went well, else 0.',
    registers,
    collect() {
      this.set(levels.read().isHealthy ? 1 : 0);
    },
  });
  return {
    bytes: new PendingCounter<'egress' | 'ingress'>({
      name: 'vc_files_bytes_total',
      help: 'Bytes of files that were sent to clients (egress) and came from them (ingress).',
      labelNames: ['direction'],
      registers,
    }),
    writes: new PendingCounter<'done' | 'refused' | 'failed'>({
      name: 'vc_files_writes_total',
      help: 'Requests that change files: done, refused (conflicts, conditions, bad requests) or failed (disk, journal).',
      labelNames: ['outcome'],
      registers,
    }),
    pruned: new Counter({
      name: 'vc_files_pruned_total',
      help: 'What the schedule has removed: files, and their bytes.',
      labelNames: ['what'],
      registers,
    }),
    trouble: new Counter({
      name: 'vc_files_trouble_total',
      help: 'Trouble with the journal or with kept bodies, by kind.',
      labelNames: ['kind'],
      registers,
    }),
    levels,
  };
}
