import type { IncomingMessage, Server } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { VelocityError } from '../base/errors.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { answerExpectations } from './expect-continue.ts';
import { AnswersUnderWay, answerMalformed } from './malformed-requests.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';
import { requestIdFor } from './request-id.ts';
import { RequestRecords, type RequestRecordsOptions } from './request-records.ts';

export type HttpApp = FastifyInstance<Server>;

/** A JSON message of ours; a batch of 1,000 negotiations has about 200 KiB. */
const MAX_JSON_BYTES = 1024 * 1024;
const HEADERS_TIMEOUT_MS = 15_000;
/** A connection on which nothing moves, in a body too. There is no limit on a whole transfer. */
const IDLE_TIMEOUT_MS = 60_000;
/** Longer than the 60 s that load balancers keep idle connections, so that they end them, not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

const senders = new WeakMap<FastifyRequest, string>();
const clients = new WeakMap<FastifyRequest, string>();

/** Names who sent a request, for its log line: the id of a token, never the token. */
export function nameSender(request: FastifyRequest, tokenId: string): void {
  senders.set(request, tokenId);
}

/** Names from where a request came, for its log line; only of those whose address is the reason of their answer. */
export function nameClient(request: FastifyRequest, address: string): void {
  clients.set(request, address);
}

interface ListenerOptions extends RequestRecordsOptions {
  /** The target that a request means, where that is not the one it says; for hosts that are for one door alone. */
  readonly targetOf?: ((request: IncomingMessage) => string) | undefined;
}

/** The HTTP application that doors are registered on: request ids, log lines, metrics, problem bodies. */
export function createListener(options: ListenerOptions): HttpApp {
  const { logger, metrics, clock, targetOf } = options;
  const records = new RequestRecords(options);
  const underWay = new AnswersUnderWay();
  const app = fastify({
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: 0,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: false,
    return503OnClosing: false,
    ...(targetOf && { rewriteUrl: targetOf }),
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 4096 },
    clientErrorHandler: (error, socket) => answerMalformed(error, socket, underWay.on(socket)),
    // An address that cannot be decoded fails before any hook has run.
    frameworkErrors: (error, request, reply) => {
      begin(request, reply);
      fail(error, request, reply);
    },
    genReqId: requestIdFor,
  });

  answerExpectations(app.server);
  app.removeContentTypeParser('text/plain'); // messages are JSON; fastify would hand over a text as it is

  // A turn later than the parser's: of what it refuses behind the head nothing is answered before.
  app.addHook('onRequest', async (request, reply) => begin(request, reply));
  app.setErrorHandler(fail);
  const allowed = new AllowedMethods();
  app.addHook('onRoute', ({ url, method }) => allowed.add(url, method));
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const methods = allowed.at(path).join(', ');
    if (methods === '') throw new VelocityError('NOT_FOUND', `There is nothing at ${path}.`);
    reply.header('allow', methods);
    throw new VelocityError('METHOD_NOT_ALLOWED', `${path} takes ${methods}, not ${request.method}.`);
  });
  return app;

  function begin(request: FastifyRequest, reply: FastifyReply): void {
    reply.raw.setHeader('x-request-id', request.id);
    underWay.keep(request.socket, reply.raw);
    observe(request, reply);
  }

  function fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = toProblem(error, request.id);
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    // As bytes: to a text Fastify would add a charset, which RFC 9457 media types do not have.
    return reply
      .code(problem.status)
      .type(PROBLEM_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  }

  /** `close` comes for every response, taken over by its handler or not, finished or cut off. */
  function observe(request: FastifyRequest, reply: FastifyReply): void {
    const startedAt = clock.elapsed();
    metrics.inFlight.inc();
    reply.raw.once('close', () => {
      metrics.inFlight.dec();
      records.ended({
        id: request.id,
        method: request.method,
        target: request.url,
        route: request.routeOptions.url ?? 'unmatched',
        status: reply.raw.writableFinished ? reply.raw.statusCode : 'aborted',
        startedAt,
        tokenId: senders.get(request),
        client: clients.get(request),
      });
    });
  }
}
