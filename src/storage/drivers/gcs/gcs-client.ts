import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Storage } from '@google-cloud/storage';
import type { Clock } from '../../../base/clock.ts';
import { KEPT_CONNECTIONS } from '../../kept-connections.ts';
import { CredentialsFailure, GcsRefusal, toCredentialsFailure } from './gcs-errors.ts';

/** What the SDK knows of credentials: where they come from, tokens, signatures. */
export type GoogleAuth = Storage['authClient'];

export interface GcsRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Path and query, escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** From the last byte sent to the reply's head. */
const REPLY_TIMEOUT_MS = 60_000;
/** The auth library asks the metadata server, where there is none, for some seconds and tries again. */
const CREDENTIALS_TIMEOUT_MS = 10_000;

/**
 * Authorised requests to GCS. Credentials are the SDK's business; the bytes are not: its streams
 * leave an upload whose body failed open for ever, take no signal, and need two requests for
 * an object with its metadata (the JSON API), where the XML API needs one.
 */
export class GcsClient {
  readonly auth: GoogleAuth;
  /** `https://storage.googleapis.com`, or what was configured. */
  readonly endpoint: URL;
  readonly #agent: HttpAgent;
  readonly #clock: Clock;

  constructor(endpoint: string | undefined, clock: Clock) {
    const storage = new Storage({
      ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
      // No request of ours names a project. Left open, the SDK would look for one: with gcloud, on the metadata server.
      projectId: 'none',
    });
    this.auth = storage.authClient;
    this.endpoint = new URL(storage.apiEndpoint);
    this.#agent = new (this.#isTls() ? HttpsAgent : HttpAgent)(KEPT_CONNECTIONS);
    this.#clock = clock;
  }

  /**
   * Resolves with any successful answer; its body must be consumed or destroyed.
   * @throws GcsRefusal for any other answer, CredentialsFailure, and what the network throws.
   */
  async send(request: GcsRequest): Promise<IncomingMessage> {
    const response = await this.#exchange(request, await this.#authorization());
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    throw new GcsRefusal(statusCode, reasonIn(await text(response)));
  }

  /** @throws GcsRefusal also for a successful answer that is not JSON: a proxy's page, say. */
  async json(request: GcsRequest): Promise<unknown> {
    const response = await this.send(request);
    const body = await text(response);
    try {
      return JSON.parse(body);
    } catch {
      throw new GcsRefusal(response.statusCode ?? 0, 'NotJson'); // the parser's error quotes what it read
    }
  }

  /** Waits for the auth library, but not for ever. */
  async credentials<T>(work: () => Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(CREDENTIALS_TIMEOUT_MS, () =>
      reject(
        new CredentialsFailure(`no Google credentials within ${CREDENTIALS_TIMEOUT_MS / 1000} seconds`, true),
      ),
    );
    try {
      return await Promise.race([work(), late]);
    } catch (error) {
      throw toCredentialsFailure(error);
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #authorization(): Promise<Record<string, string>> {
    return Object.fromEntries(await this.credentials(() => this.auth.getRequestHeaders(this.endpoint.href)));
  }

  #exchange(
    { method, path, headers, body, signal }: GcsRequest,
    authorization: Record<string, string>,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = (this.#isTls() ? httpsRequest : httpRequest)(new URL(path, this.endpoint), {
      method,
      agent: this.#agent,
      headers: { ...headers, ...authorization },
      ...(signal ? { signal } : {}),
    });
    const limit = (ms: number): (() => void) =>
      this.#clock.after(ms, () => request.destroy(noAnswerWithin(ms)));
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const cancel = limit(CONNECT_TIMEOUT_MS);
      socket.once('connect', cancel).once('close', cancel);
    });
    request.once('finish', () => {
      const cancel = limit(REPLY_TIMEOUT_MS);
      request.once('response', cancel).once('close', cancel);
    });
    request.on('error', reject);
    request.once('response', resolve);
    // A body that fails takes the request with it, and a request that ends early the body.
    if (body instanceof Readable) pipeline(body, request, () => {});
    else request.end(body);
    return promise;
  }

  #isTls(): boolean {
    return this.endpoint.protocol === 'https:';
  }
}

function noAnswerWithin(ms: number): Error {
  return Object.assign(new Error(`no answer within ${ms / 1000} seconds`), { code: 'ETIMEDOUT' });
}

/** The XML API's `<Code>`, the JSON API's `reason`: words of a documented list, never a message. */
function reasonIn(body: string): string {
  return /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? /"reason":\s*"(\w+)"/.exec(body)?.[1] ?? '';
}
