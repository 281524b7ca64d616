import type { Clock } from '../../base/clock.ts';
import type { Secret } from '../../base/secret.ts';
import type { Answer, Exchange, HttpExchanges } from './exchange.ts';
import type { Pace } from './pace.ts';
import { retryAfterMs } from './read-answer.ts';

export interface GatewayClientOptions {
  readonly url: string;
  /** Asked for with the first message, and once; told when nobody waits for it any more. */
  readonly token: (closing: AbortSignal) => Promise<Secret>;
  /** How long to wait for an answer to a message. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** For how long one run waits, in all, for a gateway that limits requests and says that it soon takes the next. */
const PATIENCE_MS = 5_000;

/** How requests get to the gateway, and messages under its token. What becomes of a failure is the caller's. */
export class GatewayClient {
  readonly #options: GatewayClientOptions;
  readonly #messagePace: Pace;
  readonly #closing = new AbortController();
  #exchanges: Promise<HttpExchanges> | undefined;
  #token: Promise<Secret> | undefined;
  #patienceMs = PATIENCE_MS;

  constructor(options: GatewayClientOptions) {
    this.#options = options;
    this.#messagePace = { timeoutMs: options.timeoutMs, slowestBytesPerSecond: Number.POSITIVE_INFINITY };
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  urlOf(path: string): URL {
    return new URL(this.#options.url.replace(/\/+$/, '') + path);
  }

  /** HTTP is loaded with the first request: a run that finds nothing changed sends none, and is done sooner. */
  async send(exchange: Exchange): Promise<Answer> {
    this.#exchanges ??= import('./exchange.ts').then(
      ({ HttpExchanges: Exchanges }) => new Exchanges(this.#options.clock),
    );
    const exchanges = await this.#exchanges;
    if (this.isClosed) throw new Error('the remote cache was closed');
    return exchanges.send(exchange);
  }

  /**
   * The answer to a message; one without a body is a GET. Asks again, once, where a moment's wait is all that the
   * gateway wants: cheaper than to run every task.
   */
  async ask(path: string, message: object | undefined): Promise<Answer> {
    const answer = await this.#ask(path, message);
    const waitMs = retryAfterMs(answer);
    if (answer.status !== 429 || waitMs === undefined || waitMs > this.#patienceMs) return answer;
    answer.body.resume();
    this.#patienceMs -= waitMs;
    await this.#pause(waitMs);
    return this.#ask(path, message);
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    (await this.#exchanges)?.close();
  }

  async #ask(path: string, message: object | undefined): Promise<Answer> {
    this.#token ??= this.#options.token(this.#closing.signal);
    const token = await this.#token;
    const asking = { url: this.urlOf(path), pace: this.#messagePace };
    const headers = { authorization: `Bearer ${token.reveal()}`, accept: 'application/json' };
    if (message === undefined) return this.send({ ...asking, method: 'GET', headers });
    const body = Buffer.from(JSON.stringify(message));
    const described = { 'content-type': 'application/json', 'content-length': String(body.length) };
    return this.send({ ...asking, method: 'POST', headers: { ...headers, ...described }, body });
  }

  /** Ends early when it is closed. Keeps the process alive, which a timer of the clock does not. */
  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const alive = setInterval(() => {}, 60_000);
    const cancel = this.#options.clock.after(ms, resolve);
    this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => {
      cancel();
      clearInterval(alive);
    });
  }
}
