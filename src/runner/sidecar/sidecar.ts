import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../base/clock.ts';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { TimeoutError } from '../remote/timeout-error.ts';
import { fallbackFor, isForClient } from './fallback.ts';
import { GatewayRequests } from './gateway-requests.ts';
import { Outage } from './outage.ts';
import { passedHeaders } from './passed-headers.ts';
import { resumedBody } from './resumed-body.ts';

export interface SidecarOptions {
  /** The gateway, with a path where it has one. */
  readonly gateway: string;
  /** Goes before what clients send; without one that is handed on. Asked once, and again after it failed or was refused. */
  readonly token?: ((closing: AbortSignal) => Promise<Secret>) | undefined;
  readonly host: string;
  readonly port: number;
  /** The first part of every address, which a client must know; without it whoever reaches the port is served. */
  readonly secretPath?: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onAway: (why: string) => void;
  readonly onBack: () => void;
}

/** What clients were told in place of answers. */
export interface SidecarCounts {
  readonly requests: number;
  readonly misses: number;
  readonly dropped: number;
  readonly refused: number;
}

/** Whoever cannot be reached is not there; a network that is slow has its say with the first byte. */
const MAX_CONNECT_TIMEOUT_MS = 3_000;
const MAX_REDIRECTS = 5;
/** An answer up to this size is taken whole before its head is handed on: if it breaks off, it is a miss. */
const HELD_BYTES = 8 * 1024 * 1024;
/** Longer than clients keep idle connections, so that they end them. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** What is asked of the gateway in a client's name. */
interface Asked {
  readonly request: IncomingMessage;
  readonly method: string;
  /** Path and query below the gateway's own path. */
  readonly target: string;
  /** Aborted when the client is gone. */
  readonly leaving: AbortSignal;
  readonly more?: IncomingHttpHeaders;
}

/** What the gateway answered and no client should see. */
class Unfit extends Error {}

/**
 * A server beside a build tool that hands requests on to the gateway, under the gateway's token, and answers what
 * the tool takes for a miss where the gateway does not: for tools that take a cache in trouble for a failed build.
 */
export class Sidecar implements AsyncDisposable {
  readonly #options: SidecarOptions;
  readonly #server: Server;
  readonly #gateway: URL;
  readonly #requests: GatewayRequests;
  readonly #outage: Outage;
  readonly #closing = new AbortController();
  readonly #counts = { requests: 0, misses: 0, dropped: 0, refused: 0 };
  #token: Promise<Secret> | undefined;

  private constructor(options: SidecarOptions) {
    const { gateway, timeoutMs, clock } = options;
    this.#options = options;
    this.#gateway = new URL(gateway);
    const connectTimeoutMs = Math.min(timeoutMs, MAX_CONNECT_TIMEOUT_MS);
    this.#requests = new GatewayRequests({ connectTimeoutMs, timeoutMs, clock });
    this.#outage = new Outage({ clock, onBegin: options.onAway, onEnd: options.onBack });
    this.#server = createServer(
      { requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
      (request, response) => void this.#serve(request, response),
    );
  }

  /** @throws VelocityError `LISTEN_FAILED` */
  static async start(options: SidecarOptions): Promise<Sidecar> {
    const sidecar = new Sidecar(options);
    const { host, port } = options;
    sidecar.#server.listen(port, host);
    try {
      await once(sidecar.#server, 'listening');
    } catch (error) {
      throw new VelocityError(
        'LISTEN_FAILED',
        `${host}:${port} cannot be listened on: ${messageOf(error)}.`,
        {
          cause: error,
        },
      );
    }
    return sidecar;
  }

  /** What clients are given as their server; without a slash at its end. */
  get url(): string {
    const { host, secretPath } = this.#options;
    const { port } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}${secretPath ? `/${secretPath}` : ''}`;
  }

  get counts(): SidecarCounts {
    return this.#counts;
  }

  /** Breaks off what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#requests.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = this.#targetOf(request);
    if (target === undefined) {
      // At once, and the connection ends with it: whatever a stranger still sends is not waited for.
      response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' });
      response.end('Not for you.');
      return;
    }
    this.#counts.requests++;
    const left = new AbortController();
    response.once('close', () => left.abort());
    const leaving = AbortSignal.any([left.signal, this.#closing.signal]);
    const { method = 'GET' } = request;
    const path = target.replace(/\?.*$/s, '');
    if (!this.#outage.mayAsk()) return this.#fallBack(request, response, method, path);
    try {
      const asked = { request, method, target, leaving };
      const answer = await this.#ask(asked);
      const { statusCode: status = 0, headers } = answer;
      if (!isForClient(method, path, { status, contentType: headers['content-type'] })) {
        answer.destroy();
        if (status === 401) this.#token = undefined;
        throw new Unfit(
          `it answered ${status}${status === 401 ? ': the token is missing, wrong or too old' : ''}`,
        );
      }
      const whole = method === 'HEAD' ? undefined : await heldBody(answer);
      this.#outage.succeeded();
      response.writeHead(status, passedHeaders(headers));
      if (whole) response.end(whole);
      else if (method !== 'GET') await pipeline(answer, response);
      else
        await pipeline(
          resumedBody(answer, (offset, etag) => this.#askRest(asked, offset, etag)),
          response,
        );
    } catch (error) {
      if (leaving.aborted && !response.writableFinished) return void response.destroy();
      this.#outage.failed(whyOf(error), error instanceof TimeoutError ? 'time' : 'nothing');
      if (response.headersSent)
        response.destroy(); // a body that was cut short must not look whole
      else this.#fallBack(request, response, method, path);
    }
  }

  /**
   * What is asked of the gateway; `undefined` of who should not be here: somebody without the secret, a page in a
   * browser (tools send neither `Origin` nor `Sec-Fetch-Site`, which goes with what pages embed, too), or one that
   * reached this address by a name of its own (DNS rebinding).
   */
  #targetOf({ url = '', headers }: IncomingMessage): string | undefined {
    const { host, secretPath } = this.#options;
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return undefined;
    if (!url.startsWith('/')) return undefined;
    if (LOOPBACK.has(host) && !isOwnName(headers.host ?? '')) return undefined;
    if (secretPath === undefined) return url;
    const [given, wanted] = [Buffer.from(url.split('/', 2)[1] ?? ''), Buffer.from(secretPath)];
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    return url.slice(secretPath.length + 1) || '/';
  }

  /** Follows redirects, which lead to a storage that may be in trouble itself; the token stays with the gateway. */
  async #ask({ request, method, target, leaving, more }: Asked): Promise<IncomingMessage> {
    const headers = { ...passedHeaders(request.headers), ...more };
    const token = await this.#tokenNow();
    const base = this.#gateway.pathname.replace(/\/+$/, '');
    const hasBody = headers['content-length'] !== undefined || 'transfer-encoding' in request.headers;
    let [origin, path] = [this.#gateway, base + target];
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const own = origin.origin === this.#gateway.origin;
      const { authorization: _, cookie: __, ...bare } = headers;
      const authorization = token ? { authorization: `Bearer ${token.reveal()}` } : {};
      const answer = await this.#requests.send(
        {
          ...{ method, origin, path },
          headers: own ? { ...headers, ...authorization } : bare,
          body: hasBody ? request : undefined,
        },
        leaving,
      );
      const next = redirectOf(method, answer);
      if (next === undefined) {
        if (
          !own &&
          (answer.statusCode ?? 0) >= 400 &&
          answer.statusCode !== 404 &&
          answer.statusCode !== 416
        ) {
          answer.destroy();
          throw new Unfit(`the storage at ${origin.origin} answered ${answer.statusCode}`);
        }
        return answer;
      }
      answer.resume();
      const url = new URL(next, new URL(path, origin));
      if (url.protocol !== 'http:' && url.protocol !== 'https:') break;
      [origin, path] = [url, url.pathname + url.search];
    }
    throw new Unfit('it redirects in a circle');
  }

  #askRest(asked: Asked, offset: number, etag: string): Promise<IncomingMessage> {
    return this.#ask({ ...asked, more: { range: `bytes=${offset}-`, 'if-range': etag } });
  }

  async #tokenNow(): Promise<Secret | undefined> {
    this.#token ??= this.#options.token?.(this.#closing.signal);
    const token = this.#token;
    try {
      return await token;
    } catch (error) {
      if (this.#token === token) this.#token = undefined;
      throw error;
    }
  }

  #fallBack(request: IncomingMessage, response: ServerResponse, method: string, path: string): void {
    const fallback = fallbackFor(method, path);
    this.#counts[fallback.means === 'miss' ? 'misses' : fallback.means]++;
    this.#answer(request, response, fallback);
  }

  /** After the last byte of the request: clients that send all before they read get to see it. */
  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { status, contentType, body }: { status: number; contentType: string; body: string },
  ): void {
    const answer = (): void => {
      const length = String(Buffer.byteLength(body));
      response.writeHead(status, { 'content-type': contentType, 'content-length': length });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    request.on('error', () => {}); // the client left; there is nobody to tell
    request.unpipe();
    if (request.readableEnded) answer();
    else request.resume().once('end', answer);
  }
}

/** The whole body where its announced length is small; `undefined` where it is to be streamed. */
async function heldBody(answer: IncomingMessage): Promise<Buffer | undefined> {
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (!(length > 0 && length <= HELD_BYTES)) return undefined;
  return Buffer.concat(await answer.toArray());
}

function redirectOf(method: string, { statusCode = 0, headers }: IncomingMessage): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

/** `Host` by an address or as the machine itself, with any port. */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name.toLowerCase() === 'localhost' || isIP(name) !== 0;
}

function whyOf(error: unknown): string {
  if (error instanceof Unfit || error instanceof TimeoutError || error instanceof VelocityError)
    return error.message;
  return systemCode(error) ?? messageOf(error);
}
