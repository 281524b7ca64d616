import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Writable } from 'node:stream';
import type { ServerRuntimeClient } from '@sentry/core/server';
import type { Clock } from '../base/clock.ts';
import { codeOrName, VelocityError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { loadSentry, type SentrySdk } from './load-sentry.ts';
import type { LoggedError } from './logger.ts';
import { maskText } from './mask-text.ts';
import { PerSecond } from './per-second.ts';
import { type PostEnvelope, postEnvelope } from './post-envelope.ts';
import { scrubError, scrubTrace } from './scrub-event.ts';

/** `https://<key>@<host>/<project>`, with a path before the project where Sentry has one. */
const DSN = /^https?:\/\/\w+(?::\w*)?@(?:\[[:.%\w]+\]|[\w.-]+)(?::\d+)?\/(?:[^?#\s]+\/)?\d+$/;

/** How long what is under way may take when the process ends. */
const FLUSH_MS = 2000;
/** Of errors and of traces, each: a storage that is down must not make a second load of reports. */
const MOST_A_SECOND = 10;

export interface SentrySettings {
  readonly dsn: Secret;
  readonly environment: string | undefined;
  readonly release: string;
  /** 0 to 1. */
  readonly tracesSampleRate: number;
  /** Where the SDK says what it does. */
  readonly debugTo?: Writable | undefined;
}

export interface SentrySurroundings {
  readonly clock: Clock;
  /** Masks secrets that are known by their value or form, before what is masked in any text. */
  readonly mask: (text: string) => string;
  readonly load?: () => Promise<SentrySdk>;
  readonly post?: PostEnvelope;
  readonly random?: () => number;
}

/** A request whose answer has ended. */
export interface TracedRequest {
  readonly id: string;
  readonly method: string;
  /** The pattern that it was routed by. */
  readonly route: string;
  readonly status: number | 'aborted';
  readonly ms: number;
}

/**
 * Errors and traces on their way to Sentry. A client of its own and nothing global: no hooks into `node:http`, no
 * context that follows a request. Nothing here throws or waits but `open` and `close`.
 */
export class SentryReports {
  readonly #sdk: SentrySdk;
  readonly #client: ServerRuntimeClient;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rate: number;
  readonly #errors: PerSecond;
  readonly #traces: PerSecond;
  readonly #closing = new AbortController();

  private constructor(sdk: SentrySdk, settings: SentrySettings, around: SentrySurroundings) {
    const { clock, post = postEnvelope, random = Math.random } = around;
    const mask = (text: string): string => maskText(around.mask(text));
    const { signal } = this.#closing;
    this.#sdk = sdk;
    this.#clock = clock;
    this.#random = random;
    this.#rate = settings.tracesSampleRate;
    this.#errors = new PerSecond(MOST_A_SECOND, clock);
    this.#traces = new PerSecond(MOST_A_SECOND, clock);
    if (settings.debugTo) sdk.debugTo(settings.debugTo);
    this.#client = new sdk.ServerRuntimeClient({
      dsn: settings.dsn.reveal(),
      release: settings.release,
      ...(settings.environment !== undefined && { environment: settings.environment }),
      platform: 'node',
      runtime: { name: 'node', version: process.version },
      serverName: hostname(),
      integrations: [sdk.linkedErrorsIntegration()],
      stackParser: sdk.createStackParser(sdk.nodeStackLineParser()),
      traceLifecycle: 'static',
      sendClientReports: false,
      _metadata: { sdk: { name: 'velocitycache', version: settings.release } },
      transport: (options) => sdk.createTransport(options, ({ body }) => post(options.url, body, signal)),
      beforeSend: (event) => scrubError(event, mask),
      beforeSendTransaction: (event) => scrubTrace(event, mask),
    });
    this.#client.init();
  }

  /** @throws VelocityError `SENTRY_UNAVAILABLE` where the package is not there or the DSN is none */
  static async open(settings: SentrySettings, around: SentrySurroundings): Promise<SentryReports> {
    if (!DSN.test(settings.dsn.reveal())) {
      const message =
        'sentry.dsn is not a DSN as Sentry shows it for a project: https://<key>@<host>/<project>.';
      throw new VelocityError('SENTRY_UNAVAILABLE', message, { field: 'sentry.dsn' });
    }
    return new SentryReports(await (around.load ?? loadSentry)(), settings, around);
  }

  /** Reports an error, each object once. Refusals, whose fault is the client's, are no errors. */
  report({ error, message, level, requestId }: LoggedError): void {
    if (error instanceof VelocityError && error.status < 500) return;
    if (!this.#errors.take()) return;
    const scope = new this.#sdk.Scope();
    scope.setLevel(level);
    scope.setTag('code', codeOrName(error));
    if (requestId !== undefined) scope.setTag('requestId', requestId);
    scope.setContext('log', { message });
    const mechanism = { type: 'generic', handled: level === 'error' };
    this.#client.captureException(error, { originalException: error, mechanism }, scope);
  }

  /** Reports a request, if it is one of those that are. */
  trace({ id, method, route, status, ms }: TracedRequest): void {
    if (this.#random() >= this.#rate || !this.#traces.take()) return;
    const end = this.#clock.now();
    const event = {
      type: 'transaction' as const,
      transaction: `${method} ${route}`,
      transaction_info: { source: 'route' as const },
      start_timestamp: (end - ms) / 1000,
      timestamp: end / 1000,
      tags: { requestId: id },
      contexts: {
        trace: {
          trace_id: randomBytes(16).toString('hex'),
          span_id: randomBytes(8).toString('hex'),
          op: 'http.server',
          origin: 'manual' as const,
          status: status === 'aborted' ? 'cancelled' : this.#statusOf(status),
          data: {
            'http.request.method': method,
            'http.route': route,
            ...(status !== 'aborted' && { 'http.response.status_code': status }),
            'sentry.sample_rate': this.#rate,
          },
        },
      },
    };
    this.#client.captureEvent(event, {}, new this.#sdk.Scope());
  }

  #statusOf(status: number): string {
    return this.#sdk.getSpanStatusFromHttpCode(status).message ?? 'ok';
  }

  /** Resolves when all that was reported has been sent, 2 s later at most; what has not been sent by then is lost. */
  async close(): Promise<void> {
    const cancel = this.#clock.after(FLUSH_MS, () => this.#closing.abort());
    await this.#client.close();
    cancel();
  }
}
