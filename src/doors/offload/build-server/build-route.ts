import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import type { HttpApp } from '../../../http/listener.ts';
import { type Problem, toProblem } from '../../../http/problem.ts';
import { unhurried } from '../../../http/unhurried.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { endOf } from './bounded-log.ts';
import type { BuildOutcome, BuildService } from './build-service.ts';
import { parseBuildRequest } from './build-spec.ts';
import { connectCodeOf, connectStatusOf } from './connect-error.ts';

export interface BuildRouteOptions {
  readonly service: BuildService;
  /** Who does not send it is refused; `undefined` lets in all. */
  readonly token: Secret | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const BUILD_PATH = '/api.service.v1.BuildService/Build';
const MAX_REQUEST_BYTES = 256 * 1024;

/** `BuildService.Build` as a unary call of the Connect protocol, with JSON. All its answers are of that protocol. */
export function registerBuildRoute(app: HttpApp, { service, token, clock, logger }: BuildRouteOptions): void {
  const expected = token && hash('sha256', token.reveal(), 'buffer');
  app.register(async (scope) => {
    scope.setErrorHandler((error, request, reply) => {
      const problem = toProblem(error, request.id);
      if (problem.code === 'INTERNAL' && !reply.raw.destroyed) {
        logger.error({ requestId: request.id, err: error }, 'a request failed');
      }
      return refuse(reply, problem);
    });
    // A connection that stays open would hold up the server's end.
    scope.addHook('onSend', async (_request, reply) => {
      if (service.isEnding) reply.header('connection', 'close');
    });
    const onRequest = async (request: FastifyRequest): Promise<void> => {
      if (expected) authenticate(request, expected);
      checkProtocol(request);
    };
    scope.post(BUILD_PATH, { bodyLimit: MAX_REQUEST_BYTES, onRequest }, async (request, reply) => {
      const asked = parseBuildRequest(request.body);
      using asker = new Asker(request, reply, clock);
      const outcome = await unhurried(request.raw, () => service.build(asked, asker.signal));
      return answer(reply, outcome, request.id);
    });
  });
}

/** Whether somebody still waits, and how long they like to. */
class Asker implements Disposable {
  readonly #gone = new AbortController();
  readonly #cancel: () => void;

  constructor(request: FastifyRequest, reply: FastifyReply, clock: Clock) {
    const leave = (): void => this.#gone.abort(new Error('the asker is gone'));
    if (reply.raw.destroyed) leave();
    else reply.raw.once('close', leave);
    const timeout = timeoutOf(request);
    this.#cancel =
      timeout === undefined
        ? () => {}
        : clock.after(timeout, () => {
            const message = `The build was not done in the ${timeout} ms that the request gave it.`;
            this.#gone.abort(new VelocityError('COMPILE_TIMEOUT', message));
          });
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}

function timeoutOf({ headers }: FastifyRequest): number | undefined {
  const given = headers['connect-timeout-ms'];
  if (given === undefined) return undefined;
  if (typeof given === 'string' && /^\d{1,10}$/.test(given)) return Number(given);
  const message = 'Connect-Timeout-Ms: expected up to ten digits';
  throw new VelocityError('BAD_REQUEST', message, { field: 'connect-timeout-ms' });
}

function checkProtocol(request: FastifyRequest): void {
  const { 'content-encoding': coding = 'identity', 'connect-protocol-version': version = '1' } =
    request.headers;
  if (coding !== 'identity') {
    throw new VelocityError('CODING_UNSUPPORTED', 'Send the body without a content coding.');
  }
  if (version !== '1') {
    throw new VelocityError('BAD_REQUEST', 'Connect-Protocol-Version: expected 1', {
      field: 'connect-protocol-version',
    });
  }
  timeoutOf(request);
}

/** Compared as digests: they have one length, so the time tells nothing of the token. */
function authenticate({ headers }: FastifyRequest, expected: Buffer): void {
  const [, sent = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  if (timingSafeEqual(hash('sha256', sent, 'buffer'), expected)) return;
  throw new VelocityError('UNAUTHORIZED', 'Send the token of this build server as Authorization: Bearer.');
}

/** In the words of Velox, and of the page that describes its middleware, which differ. */
function answer(reply: FastifyReply, outcome: BuildOutcome, requestId: string): FastifyReply {
  const { buildId, durationMs, logs } = outcome;
  const common = { logs, build_id: buildId, duration_ms: durationMs };
  if (!outcome.ok) {
    const problem = toProblem(outcome.error, requestId);
    return refuse(reply, { ...problem, detail: withLog(problem.detail, logs) }, common);
  }
  return reply.send({ path: outcome.path, success: true, ...common });
}

/** Many a client shows no more of a failure than its message. */
const MAX_LOG_BYTES_IN_MESSAGE = 1_500;

function withLog(detail: string, logs: string): string {
  const end = endOf(Buffer.from(logs), MAX_LOG_BYTES_IN_MESSAGE).trim();
  return end === '' ? detail : `${detail} Its log ends:\n${end}`;
}

function refuse(reply: FastifyReply, { code, detail }: Problem, more: object = {}): FastifyReply {
  const body = {
    code: connectCodeOf(code),
    message: detail,
    success: false,
    error: detail,
    reason: code,
    ...more,
  };
  return reply
    .code(connectStatusOf(code))
    .type('application/json')
    .send(Buffer.from(JSON.stringify(body)));
}
