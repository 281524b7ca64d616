import { Counter, Gauge, type Histogram, type Registry } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../telemetry/metrics.ts';
import { PendingHistogram } from '../telemetry/pending-histogram.ts';

export interface HttpMetrics {
  readonly requests: Counter<'route' | 'method' | 'code'>;
  readonly durations: Histogram<string>;
  /** Counts a request whose answer has ended. */
  readonly ended: (route: string, method: string, code: string, seconds: number) => void;
  readonly inFlight: Gauge;
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  const durations = new PendingHistogram({
    name: 'vc_http_request_duration_seconds',
    help: 'From a request’s head to the end of its answer, bodies included.',
    labelNames: ['route', 'method'],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const tallies = new Tallies(durations);
  const requests = new Counter({
    name: 'vc_http_requests_total',
    help: 'Requests answered, by route pattern, method and status; code is "aborted" where the client left first.',
    labelNames: ['route', 'method', 'code'],
    registers,
    collect() {
      for (const { labels, count } of tallies.take()) this.inc(labels, count);
    },
  });
  return {
    requests,
    durations: durations.histogram,
    ended: (route, method, code, seconds) => tallies.add(route, method, code, seconds),
    inFlight: new Gauge({
      name: 'vc_http_requests_in_flight',
      help: 'Requests being answered now.',
      registers,
    }),
  };
}

interface Tally {
  readonly labels: { readonly route: string; readonly method: string; readonly code: string };
  count: number;
}

interface OfMethod {
  readonly observe: (seconds: number) => void;
  readonly byCode: Map<string, Tally>;
}

/** Requests since they were read last. Routes are patterns, methods and codes few: what is kept is bounded. */
class Tallies {
  readonly #durations: PendingHistogram;
  readonly #byRoute = new Map<string, Map<string, OfMethod>>();
  readonly #all: Tally[] = [];

  constructor(durations: PendingHistogram) {
    this.#durations = durations;
  }

  add(route: string, method: string, code: string, seconds: number): void {
    const { observe, byCode } = this.#of(route, method);
    observe(seconds);
    const tally = byCode.get(code);
    if (tally) tally.count++;
    else {
      const first = { labels: { route, method, code }, count: 1 };
      byCode.set(code, first);
      this.#all.push(first);
    }
  }

  *take(): Iterable<Tally> {
    for (const tally of this.#all) {
      if (tally.count > 0) yield tally;
      tally.count = 0;
    }
  }

  #of(route: string, method: string): OfMethod {
    const byMethod = this.#byRoute.get(route) ?? new Map<string, OfMethod>();
    const known = byMethod.get(method);
    if (known) return known;
    this.#byRoute.set(route, byMethod);
    const first = { observe: this.#durations.of({ route, method }), byCode: new Map<string, Tally>() };
    byMethod.set(method, first);
    return first;
  }
}
