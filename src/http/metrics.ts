import { type Counter, Gauge, type Histogram, type Registry } from '@prometheus-io/client';
import { LATENCY_BUCKETS } from '../telemetry/metrics.ts';
import { PendingCounter } from '../telemetry/pending-counter.ts';
import { PendingHistogram } from '../telemetry/pending-histogram.ts';

export interface HttpMetrics {
  readonly requests: Counter<string>;
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
  const requests = new PendingCounter({
    name: 'vc_http_requests_total',
    help: 'Requests answered, by route pattern, method and status; code is "aborted" where the client left first.',
    labelNames: ['route', 'method', 'code'],
    registers,
  });
  const tallies = new Tallies(requests, durations);
  return {
    requests: requests.counter,
    durations: durations.histogram,
    ended: (route, method, code, seconds) => tallies.add(route, method, code, seconds),
    inFlight: new Gauge({
      name: 'vc_http_requests_in_flight',
      help: 'Requests being answered now.',
      registers,
    }),
  };
}

interface OfMethod {
  readonly observe: (seconds: number) => void;
  readonly byCode: Map<string, () => void>;
}

/** Requests by labels of which there are few: routes are patterns, methods and codes are known. */
class Tallies {
  readonly #requests: PendingCounter;
  readonly #durations: PendingHistogram;
  readonly #byRoute = new Map<string, Map<string, OfMethod>>();

  constructor(requests: PendingCounter, durations: PendingHistogram) {
    this.#requests = requests;
    this.#durations = durations;
  }

  add(route: string, method: string, code: string, seconds: number): void {
    const { observe, byCode } = this.#of(route, method);
    observe(seconds);
    const known = byCode.get(code);
    const count = known ?? this.#requests.of({ route, method, code });
    if (!known) byCode.set(code, count);
    count();
  }

  #of(route: string, method: string): OfMethod {
    const byMethod = this.#byRoute.get(route) ?? new Map<string, OfMethod>();
    const known = byMethod.get(method);
    if (known) return known;
    this.#byRoute.set(route, byMethod);
    const first = { observe: this.#durations.of({ route, method }), byCode: new Map<string, () => void>() };
    byMethod.set(method, first);
    return first;
  }
}
