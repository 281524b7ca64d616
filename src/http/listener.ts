import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { VelocityError } from '../base/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HttpMetrics } from './metrics.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';

export type HttpApp = FastifyInstance<Server>;

/** Which requests get a log line: none, those that failed, or all. Probes never do unless they fail. */
export const REQUEST_LOGS = ['none', 'errors', 'all'] as const;
export type RequestLog = (typeof REQUEST_LOGS)[number];

export interface ListenerOptions {
  readonly logger: Logger;
  readonly metrics: HttpMetrics;
  readonly clock: Clock;
  readonly requestLog: RequestLog;
}

/** A JSON message of ours; a batch of 1,000 negotiations has about 200 KiB. */
const MAX_JSON_BYTES = 1024 * 1024;
const HEADERS_TIMEOUT_MS = 15_000;
/** A connection on which nothing moves, in a body too. There is no limit on a whole transfer. */
const IDLE_TIMEOUT_MS = 60_000;
/** Longer than the 60 s that load balancers keep idle connections, so that they end them, not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

const QUIET_ROUTES: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics']);
const INCOMING_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The HTTP application that doors are registered on: request ids, log lines, metrics, problem bodies. */
export function createListener({ logger, metrics, clock, requestLog }: ListenerOptions): HttpApp {
  const app = fastify({
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: 0,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: false,
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 4096 },
    clientErrorHandler: (error, socket) => answerMalformed(error, socket),
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && INCOMING_ID.test(given) ? given : randomUUID();
    },
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.raw.setHeader('x-request-id', request.id);
    observe(request, reply);
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.id);
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    // As bytes: to a text Fastify would add a charset, which RFC 9457 media types do not have.
    return reply
      .code(problem.status)
      .type(PROBLEM_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  });
  app.setNotFoundHandler((request) => {
    const [path] = request.url.split('?', 1);
    throw new VelocityError('NOT_FOUND', `There is no ${request.method} ${path} here.`);
  });
  return app;

  /** `close` comes for every response, taken over by its handler or not, finished or cut off. */
  function observe(request: FastifyRequest, reply: FastifyReply): void {
    const startedAt = clock.elapsed();
    metrics.inFlight.inc();
    reply.raw.once('close', () => {
      const { method } = request;
      const route = request.routeOptions.url ?? 'unmatched';
      const ms = clock.elapsed() - startedAt;
      const status = reply.raw.writableFinished ? reply.raw.statusCode : 'aborted';
      metrics.inFlight.dec();
      metrics.requests.inc({ route, method, code: String(status) });
      metrics.durations.observe({ route, method }, ms / 1000);

      const failed = status === 'aborted' || status >= 400;
      if (requestLog === 'none' || (!failed && (requestLog === 'errors' || QUIET_ROUTES.has(route)))) return;
      // The path without its query: signed URLs carry their signature there.
      const [path] = request.url.split('?', 1);
      logger.info({ requestId: request.id, method, path, status, ms: Math.round(ms * 10) / 10 }, 'request');
    });
  }
}

/** What Node's parser refuses never becomes a request: it is answered on the socket, and the connection ends. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason] = MALFORMED[error.code ?? ''] ?? [400, 'Bad Request'];
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const MALFORMED: Readonly<Record<string, [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};
