import type { Clock } from '../base/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { TracedRequest } from '../telemetry/sentry-reports.ts';
import type { HttpMetrics } from './metrics.ts';

/** Which requests get a log line: none, those that failed, or all. Probes never do unless they fail. */
export const REQUEST_LOGS = ['none', 'errors', 'all'] as const;
export type RequestLog = (typeof REQUEST_LOGS)[number];

export interface RequestRecordsOptions {
  readonly logger: Logger;
  readonly metrics: HttpMetrics;
  readonly clock: Clock;
  readonly requestLog: RequestLog;
  /** Told of every request but probes; it picks which to report. */
  readonly onTrace?: ((request: TracedRequest) => void) | undefined;
}

/** A request whose answer has ended. */
export interface EndedRequest {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  /** The pattern that it was routed by. */
  readonly route: string;
  readonly status: number | 'aborted';
  /** What the clock said when its head was here. */
  readonly startedAt: number;
  /** Who sent it: the id of a token, never the token. */
  readonly tokenId?: string | undefined;
  /** From where it came; only where that is the reason of its answer. */
  readonly client?: string | undefined;
}

const QUIET_ROUTES: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics']);

/** What is kept of each request: numbers always, a line where lines are wanted. */
export class RequestRecords {
  readonly #options: RequestRecordsOptions;

  constructor(options: RequestRecordsOptions) {
    this.#options = options;
  }

  /** Keeps nothing of the object itself. @returns how long it took, in milliseconds */
  ended(request: EndedRequest): number {
    const { method, target, route, status, startedAt, tokenId, client } = request;
    const { logger, metrics, clock, requestLog, onTrace } = this.#options;
    const ms = clock.elapsed() - startedAt;
    metrics.ended(route, method, String(status), ms / 1000);

    if (onTrace && !QUIET_ROUTES.has(route)) onTrace({ id: request.id, method, route, status, ms });
    const failed = status === 'aborted' || status >= 400;
    if (requestLog === 'none' || (!failed && (requestLog === 'errors' || QUIET_ROUTES.has(route)))) return ms;
    // The path alone: signed URLs carry their signature behind it, after a # too where it was put together wrongly.
    const [path] = target.split(/[?#]/, 1);
    const line = { requestId: request.id, method, path, status, ms: Math.round(ms * 10) / 10 };
    const named = client === undefined ? line : { ...line, client };
    logger.info(tokenId === undefined ? named : { ...named, tokenId }, 'request');
    return ms;
  }
}
