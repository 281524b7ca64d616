import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import { spellDuration } from '../../base/duration.ts';
import { codeOrName, messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { KEPT_CONNECTIONS } from '../../storage/kept-connections.ts';
import { type Built, type NotBuilt, readReply } from './build-reply.ts';
import { type BuildSpec, buildMessage } from './build-spec.ts';
import { postJson } from './post-json.ts';

export interface RetrySettings {
  /** In all, the first among them. */
  readonly maxAttempts: number;
  /** Before the second attempt at most; it grows by the multiplier with each further one, up to `maxDelayMs`. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly backoffMultiplier: number;
}

export interface BuildClientOptions {
  readonly serverUrl: string;
  readonly token?: Secret | undefined;
  /** For one attempt. */
  readonly requestTimeoutMs: number;
  /** For all of them, with the pauses between. */
  readonly buildTimeoutMs: number;
  readonly retry: RetrySettings;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly onRetry?: (reason: VelocityError) => void;
}

const BUILD_PATH = '/api.service.v1.BuildService/Build';
/** Logs of a build with all its downloads are some hundred KiB. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

/** Has a build server build, and asks again where that may help. */
export class BuildClient {
  readonly #options: BuildClientOptions;
  readonly #url: URL;
  readonly #agent: HttpAgent;

  constructor(options: BuildClientOptions) {
    this.#options = options;
    this.#url = new URL(options.serverUrl.replace(/\/+$/, '') + BUILD_PATH);
    const kept: AgentOptions = KEPT_CONNECTIONS;
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(kept) : new HttpAgent(kept);
  }

  /**
   * @param signal nobody wants it any more; the build server sees its request broken off
   * @throws VelocityError `BUILD_FAILED`, `BUILD_SERVER_FAILED`, `BUILD_EMPTY`, `BUILD_TIMEOUT`; the signal's reason
   */
  async build(spec: BuildSpec, signal: AbortSignal): Promise<Built> {
    const { buildTimeoutMs, clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(buildTimeoutMs, () => late.abort(timeout('build', buildTimeoutMs)));
    try {
      return await this.#build(JSON.stringify(buildMessage(spec)), AbortSignal.any([signal, late.signal]));
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #build(message: string, signal: AbortSignal): Promise<Built> {
    const { retry, onRetry } = this.#options;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      const outcome = await this.#attempt(message, signal);
      if ('path' in outcome) return outcome;
      if (!outcome.mayPass || attempt >= retry.maxAttempts) throw outcome.error;
      onRetry?.(outcome.error);
      await this.#pause(attempt, signal);
    }
  }

  async #attempt(message: string, signal: AbortSignal): Promise<Built | NotBuilt> {
    const { requestTimeoutMs, clock, token } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(requestTimeoutMs, () => late.abort());
    try {
      const either = AbortSignal.any([signal, late.signal]);
      const options = { agent: this.#agent, signal: either, maxReplyBytes: MAX_REPLY_BYTES, token };
      return readReply(await postJson(this.#url, message, options));
    } catch (error) {
      signal.throwIfAborted();
      if (late.signal.aborted) return { error: timeout('request', requestTimeoutMs), mayPass: true };
      return this.#unreachable(error);
    } finally {
      cancel();
    }
  }

  #unreachable(error: unknown): NotBuilt {
    const mayPass = PASSING_ERRORS.has(systemCode(error) ?? '');
    // For the log: clients are not told where it is.
    const cause = new Error(`It is at ${this.#url.origin}: ${messageOf(error)}`, { cause: error });
    return {
      error: new VelocityError(
        'BUILD_SERVER_FAILED',
        `The build server gives no answer (${codeOrName(error)}).`,
        { cause },
      ),
      mayPass,
    };
  }

  /** Of random length from its half on, so that many do not come back at once. Ends early with the signal. */
  async #pause(attempt: number, signal: AbortSignal): Promise<void> {
    const { retry, clock, random = Math.random } = this.#options;
    const { initialDelayMs, maxDelayMs, backoffMultiplier } = retry;
    const longest = Math.min(maxDelayMs, initialDelayMs * backoffMultiplier ** (attempt - 1));
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    const cancel = clock.after(longest * (0.5 + random() / 2), end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    await promise;
    cancel();
    signal.removeEventListener('abort', end);
  }
}

function timeout(what: 'build' | 'request', ms: number): VelocityError {
  const message = `The build was not done in ${spellDuration(ms)} (builds.${what}_timeout).`;
  return new VelocityError('BUILD_TIMEOUT', message);
}
