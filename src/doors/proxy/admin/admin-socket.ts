import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { codeOrName, VelocityError } from '../../../base/errors.ts';
import { answerJson, readJson } from '../../../http/json.ts';
import { toProblem, writeProblem } from '../../../http/problem.ts';
import { nextRequestId } from '../../../http/request-id.ts';
import { drainRest } from '../../../http/transfer.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { HISTOGRAM_PATH, STATS_PATH, type StatsReply, TRANSACTIONS_PATH } from '../../../wire/proxy-admin.ts';
import type { AdminRoute } from './admin-route.ts';
import { freePlace } from './socket-place.ts';
import { streamTransactions } from './stream-transactions.ts';
import type { TransactionLog } from './transaction-log.ts';

export interface AdminSocketOptions {
  /** Relative to the working folder. */
  readonly path: string;
  readonly log: TransactionLog;
  /** What other parts offer. */
  readonly routes?: readonly AdminRoute[];
  /** What other parts say of themselves in `/stats`, asked each time. */
  readonly gauges?: () => StatsReply['gauges'];
  readonly logger: Logger;
}

const MAX_BODY_BYTES = 1024 * 1024;
/** Each may follow, and what waits for a follower takes memory. */
const MAX_CONNECTIONS = 64;

/**
 * HTTP on a unix socket, for the operator of a caching proxy: who may open the socket may do all that its routes offer, and
 * nobody but the proxy's own user may.
 */
export class AdminSocket {
  readonly path: string;
  readonly #options: AdminSocketOptions;
  readonly #routes: readonly AdminRoute[];
  readonly #server: Server;
  readonly #ending = new AbortController();
  /** What is being answered; settles when it is over. */
  readonly #answers = new Map<IncomingMessage, Promise<void>>();

  private constructor(path: string, options: AdminSocketOptions) {
    const { log, routes = [], gauges } = options;
    this.path = path;
    this.#options = options;
    this.#routes = [
      {
        method: 'GET',
        path: STATS_PATH,
        handle: async () => ({ ...log.stats, gauges: gauges?.() ?? {} }) satisfies StatsReply,
      },
      { method: 'GET', path: HISTOGRAM_PATH, handle: async () => log.histogram },
      ...routes,
    ];
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws VelocityError `LISTEN_FAILED`, in words */
  static async open(options: AdminSocketOptions): Promise<AdminSocket> {
    const path = resolve(options.path);
    await freePlace(path);
    const socket = new AdminSocket(path, options);
    await socket.#listen().catch((error: unknown) => {
      throw new VelocityError(
        'LISTEN_FAILED',
        `The admin socket cannot be made at ${path} (${codeOrName(error)}).`,
        { cause: error },
      );
    });
    return socket;
  }

  /** Ends what is followed, lets other answers finish, and removes the socket. */
  async close(): Promise<void> {
    this.#ending.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const request of this.#answers.keys()) if (!request.complete) request.destroy(); // its rest may never come
    await Promise.all(this.#answers.values());
    this.#server.closeAllConnections();
    await closed;
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.path, resolve);
      if (!this.#server.listening) return; // `error` follows
      try {
        chmodSync(this.path, 0o600); // in the turn that made it, before any connection is taken
      } catch (error) {
        this.#server.close();
        reject(error);
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const over = new Promise<void>((resolve) => response.once('close', resolve));
    this.#answers.set(request, over);
    over.then(() => this.#answers.delete(request));
    response.on('error', () => {}); // the client left: `close` follows
    try {
      await this.#dispatch(request, response);
    } catch (error) {
      const problem = toProblem(error, nextRequestId());
      if (problem.status >= 500)
        this.#options.logger.error(
          { requestId: problem.requestId, err: error },
          'a request at the admin socket failed',
        );
      if (!request.complete) drainRest(request);
      writeProblem(response, problem);
    }
  }

  async #dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const query = new URLSearchParams(search);
    if (path === TRANSACTIONS_PATH && request.method === 'GET') {
      await streamTransactions(this.#options.log, query, response, this.#ending.signal);
      return;
    }
    const route = this.#routes.find((each) => each.path === path && each.method === request.method);
    if (!route) throw this.#refusal(path, request.method, response);
    const body = hasBody(request) ? await readJson(request, MAX_BODY_BYTES) : undefined;
    answerJson(response, 200, await route.handle(body, query));
  }

  #refusal(path: string, method = '', response: ServerResponse): VelocityError {
    const methods = this.#routes.filter((route) => route.path === path).map((route) => route.method);
    if (path === TRANSACTIONS_PATH) methods.push('GET');
    if (methods.length === 0) return new VelocityError('NOT_FOUND', `There is nothing at ${path}.`);
    const allowed = methods.join(', ');
    response.setHeader('allow', allowed);
    return new VelocityError('METHOD_NOT_ALLOWED', `${path} takes ${allowed}, not ${method}.`);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
