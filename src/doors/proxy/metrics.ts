import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../../telemetry/metrics.ts';
import { PendingCounter } from '../../telemetry/pending-counter.ts';
import { PendingHistogram } from '../../telemetry/pending-histogram.ts';
import type { Outcome } from './transaction.ts';

/** What a proxy's cache holds, by names of its parts. Those of a disk tier where there is one. */
export interface CacheLevels {
  readonly entries: number;
  readonly flights: number;
  readonly memory_bytes: number;
  readonly head_bytes: number;
  readonly lent_bytes: number;
  /** Since it was opened. */
  readonly evictions: number;
  readonly bans: number;
  readonly disk_entries?: number;
  readonly disk_bytes?: number;
}

export interface ProxiedRequest {
  readonly outcome: Outcome;
  readonly sentBytes: number;
  /** That was asked. */
  readonly backend?: string | undefined;
  readonly backendMs?: number | undefined;
}

export interface ProxyMetrics {
  /** Counts a request whose answer has ended. */
  readonly ended: (request: ProxiedRequest) => void;
  readonly retries: Counter<'backend'>;
  readonly serverWell: Gauge<'backend' | 'server'>;
  readonly tunnels: Gauge;
  readonly policyFailures: Counter<'kind' | 'hook'>;
  readonly purges: Counter<'action'>;
  readonly purgedAnswers: Counter<'action'>;
  readonly diskTrouble: Counter<'kind'>;
  /** Set by whoever has the cache, asked at each scrape. */
  readonly levels: { read: (() => CacheLevels) | undefined };
}

export function proxyMetrics(registry: Registry): ProxyMetrics {
  const registers = [registry];
  const backendSeconds = new PendingHistogram({
    name: 'vc_proxy_backend_duration_seconds',
    help: 'Until the head of a backend’s answer had come.',
    labelNames: ['backend'],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const requests = new PendingCounter({
    name: 'vc_proxy_requests_total',
    help: 'Requests to the proxy, by how they were answered and by the backend that was asked, if one was.',
    labelNames: ['outcome', 'backend'],
    registers,
  });
  const sentBytes = new PendingCounter({
    name: 'vc_proxy_sent_bytes_total',
    help: 'Bytes of bodies that the proxy answered with.',
    registers,
  }).of({});
  const tallies = new Tallies(requests, backendSeconds);
  return {
    ended: (request) => {
      tallies.add(request);
      sentBytes(request.sentBytes);
    },
    levels: cacheLevels(registry),
    retries: new Counter({
      name: 'vc_proxy_retries_total',
      help: 'Requests that were sent to another server of their backend after one had failed.',
      labelNames: ['backend'],
      registers,
    }),
    serverWell: new Gauge({
      name: 'vc_proxy_server_well',
      help: 'Whether a server of a backend is well by its probes: 1 or 0.',
      labelNames: ['backend', 'server'],
      registers,
    }),
    tunnels: new Gauge({
      name: 'vc_proxy_tunnels',
      help: 'Connections that are switched to another protocol now.',
      registers,
    }),
    policyFailures: new Counter({
      name: 'vc_proxy_policy_failures_total',
      help: 'Calls of the policy that came to no decision, by what went wrong and by hook.',
      labelNames: ['kind', 'hook'],
      registers,
    }),
    purges: new Counter({
      name: 'vc_proxy_purges_total',
      help: 'What was asked for at the admin socket, by action: purge, soft-purge or ban.',
      labelNames: ['action'],
      registers,
    }),
    purgedAnswers: new Counter({
      name: 'vc_proxy_purged_responses_total',
      help: 'Stored responses that were removed by a purge or made stale by a soft-purge; a ban is about those that it finds later.',
      labelNames: ['action'],
      registers,
    }),
    diskTrouble: new Counter({
      name: 'vc_proxy_disk_trouble_total',
      help: 'What was wrong with the proxy’s disk tier or with what lay on it, by kind; what is concerned is a miss.',
      labelNames: ['kind'],
      registers,
    }),
  };
}

interface OfBackend {
  readonly observe: (seconds: number) => void;
  readonly byOutcome: Map<Outcome, () => void>;
}

/** Requests by labels of which there are few: to count one by its labels each time costs as much as a good part of a hit. */
class Tallies {
  readonly #requests: PendingCounter;
  readonly #backendSeconds: PendingHistogram;
  readonly #byBackend = new Map<string, OfBackend>();

  constructor(requests: PendingCounter, backendSeconds: PendingHistogram) {
    this.#requests = requests;
    this.#backendSeconds = backendSeconds;
  }

  add({ outcome, backend = '', backendMs }: ProxiedRequest): void {
    const { observe, byOutcome } = this.#of(backend);
    const known = byOutcome.get(outcome);
    const count = known ?? this.#requests.of({ outcome, backend });
    if (!known) byOutcome.set(outcome, count);
    count();
    if (backendMs !== undefined) observe(backendMs / 1000);
  }

  #of(backend: string): OfBackend {
    const known = this.#byBackend.get(backend);
    if (known) return known;
    const first = {
      observe: this.#backendSeconds.of({ backend }),
      byOutcome: new Map<Outcome, () => void>(),
    };
    this.#byBackend.set(backend, first);
    return first;
  }
}

/** Gauges of a cache, empty as long as there is none. */
function cacheLevels(registry: Registry): ProxyMetrics['levels'] {
  const levels: ProxyMetrics['levels'] = { read: undefined };
  const registers = [registry];
  const gauge = (name: string, help: string, of: (now: CacheLevels) => number): void => {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        if (levels.read) this.set(of(levels.read()));
      },
    });
  };
  gauge(
    'vc_proxy_entries',
    'Responses that the proxy holds, in memory or on the disk.',
    (now) => now.entries,
  );
  gauge('vc_proxy_flights', 'Questions to origins for which others wait, or could.', (now) => now.flights);
  gauge(
    'vc_proxy_head_bytes',
    'Bytes that heads of stored responses take in memory, beside their bodies.',
    (now) => now.head_bytes,
  );
  gauge(
    'vc_proxy_lent_bytes',
    'Of the bytes in memory, those of bodies that are being sent: no eviction makes room of them before their readers have taken them.',
    (now) => now.lent_bytes,
  );
  gauge('vc_proxy_bans', 'Bans that some stored responses are yet to be tested against.', (now) => now.bans);
  new Gauge({
    name: 'vc_proxy_size_bytes',
    help: 'Bytes that the proxy’s tiers hold, of bodies and of what is kept beside them.',
    labelNames: ['tier'],
    registers,
    collect() {
      const now = levels.read?.();
      if (now) this.set({ tier: 'memory' }, now.memory_bytes);
      if (now?.disk_bytes !== undefined) this.set({ tier: 'disk' }, now.disk_bytes);
    },
  });
  new Counter({
    name: 'vc_proxy_evictions_total',
    help: 'Bodies in memory, and responses, that went to make room for others.',
    registers,
    collect() {
      this.reset();
      this.inc(levels.read?.().evictions ?? 0);
    },
  });
  return levels;
}
