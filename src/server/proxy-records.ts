import { type IncomingMessage, METHODS } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { ProxyMetrics } from '../doors/proxy/metrics.ts';
import type { AdmittedRequest } from '../doors/proxy/origin/request-hygiene.ts';
import type { Findings } from '../doors/proxy/proxy-handler.ts';
import type { OnTransaction } from '../doors/proxy/transaction.ts';
import type { FastEnded } from '../http/fast-path.ts';
import { requestIdFor } from '../http/request-id.ts';
import type { RequestRecords } from '../http/request-records.ts';
import type { TrustedProxies } from '../http/trusted-proxies.ts';

/** How the proxy's requests are called among all routes. */
const ROUTE = 'proxy';
/** In HTTP/2 a method may be any word, and each would be a metric of its own. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

export interface ProxyRecordsOptions {
  readonly records: RequestRecords;
  readonly metrics: ProxyMetrics;
  readonly trusted: TrustedProxies;
  readonly clock: Clock;
  readonly onTransaction: OnTransaction | undefined;
}

/** What is kept of each request to the proxy: numbers, a log line, and its transaction for whoever wants it. */
export class ProxyRecords {
  readonly #options: ProxyRecordsOptions;

  constructor(options: ProxyRecordsOptions) {
    this.#options = options;
  }

  begin(message: IncomingMessage): ProxyRecord {
    return new ProxyRecord(this.#options, message);
  }

  /** A hit that Node's parser has not seen. */
  hit(ended: FastEnded): void {
    const { records, metrics, clock, onTransaction } = this.#options;
    const { id, address: client, method, host, target, sentBytes } = ended;
    metrics.ended({ outcome: 'hit', sentBytes });
    const totalMs = records.ended(ended);
    onTransaction?.({
      id,
      startedAt: clock.now() - totalMs,
      client,
      method,
      host,
      target,
      status: 200,
      outcome: 'hit',
      detail: undefined,
      backend: undefined,
      backendMs: undefined,
      totalMs,
      sentBytes,
    });
  }
}

/** One request. Nothing is told of it before it has ended. */
export class ProxyRecord {
  readonly id: string;
  /** What its handler writes; a request is refused until it has one. */
  readonly findings: Findings = { outcome: 'refused' };
  /** Set once it is admitted. */
  admitted: AdmittedRequest | undefined;
  readonly #options: ProxyRecordsOptions;
  readonly #startedAt: number;
  readonly #startedElapsed: number;
  readonly #message: IncomingMessage;
  readonly #client: string;

  constructor(options: ProxyRecordsOptions, message: IncomingMessage) {
    this.#options = options;
    this.#message = message;
    this.id = requestIdFor(message);
    this.#startedAt = options.clock.now();
    this.#startedElapsed = options.clock.elapsed();
    this.#client = options.trusted.clientOf(message); // later the connection may be gone, and its address with it
  }

  ended(status: number | 'aborted', sentBytes: number): void {
    const { records, metrics, clock, onTransaction } = this.#options;
    const { outcome, detail, backend, backendMs } = this.findings;
    const { method = '', url = '' } = this.#message;
    const target = this.admitted?.target ?? url;
    metrics.ended({ outcome, sentBytes, backend, backendMs });
    records.ended({
      id: this.id,
      method: KNOWN_METHODS.has(method) ? method : 'other',
      ...{ target, route: ROUTE, status, startedAt: this.#startedElapsed },
    });
    onTransaction?.({
      id: this.id,
      startedAt: this.#startedAt,
      client: this.#client,
      method,
      host: this.admitted?.host ?? '',
      target,
      status,
      outcome,
      detail,
      backend,
      backendMs,
      totalMs: clock.elapsed() - this.#startedElapsed,
      sentBytes,
    });
  }
}
