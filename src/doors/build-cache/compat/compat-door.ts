import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import type { Authenticator } from '../../../auth/authenticator.ts';
import { limitToken } from '../../../auth/limits/limit-hooks.ts';
import type { AuthMetrics } from '../../../auth/metrics.ts';
import { accessOf, hasAccess, requireBearer, requireRight } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { HttpApp } from '../../../http/listener.ts';
import { type Problem, toProblem } from '../../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../../http/raw-route.ts';
import { drainRest } from '../../../http/transfer.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { RareWarning } from '../../../telemetry/rare-warning.ts';
import type { DeletionRecord } from './deletion.ts';
import { EntryDownloads, type EntryDownloadsOptions } from './entry-downloads.ts';
import { EntryUploads, type EntryUploadsOptions } from './entry-uploads.ts';
import type { Protocol, ProtocolAnswer } from './protocol.ts';
import { TransferAccounts, type TransferAccountsOptions } from './transfer-accounts.ts';

export interface CompatDoorOptions
  extends EntryDownloadsOptions,
    EntryUploadsOptions,
    TransferAccountsOptions,
    DeletionRecord {
  readonly authenticator: Authenticator;
  readonly authMetrics: AuthMetrics;
  readonly logger: Logger;
}

/** Other build tools' own protocols: at the root, and below `/t/{tenant}` for tokens of that tenant. */
export function registerCompat(
  app: HttpApp,
  protocols: readonly Protocol[],
  options: CompatDoorOptions,
): void {
  for (const method of ['PROPFIND', 'MKCOL']) app.addHttpMethod(method, { hasBody: true });
  for (const protocol of protocols)
    for (const prefix of ['', '/t/:tenant'])
      app.register(async (scope) => registerProtocol(scope as HttpApp, protocol, options), { prefix });
}

function registerProtocol(app: HttpApp, protocol: Protocol, options: CompatDoorOptions): void {
  const { authenticator, authMetrics, limits, logger } = options;
  leaveBodiesUnread(app);
  const accounts = new TransferAccounts(options, protocol.name);
  const dropped = new RareWarning(
    { logger, clock: options.clock },
    `uploads of ${protocol.name} were dropped and the client was told all is well`,
  );
  app.setErrorHandler((error, request, reply) => {
    // Of the hooks: how to authenticate, when to come again.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    reply.hijack();
    fail(error, request, reply.raw);
  });
  if (protocol.tokenOf)
    app.addHook('onRequest', async (request) => {
      const token = protocol.tokenOf?.(request);
      if (token !== undefined) request.headers.authorization = `Bearer ${token}`;
    });
  app.addHook('onRequest', requireBearer(authenticator, authMetrics));
  app.addHook('onRequest', async (request) => assertTenant(request));
  if (limits) app.addHook('onRequest', limitToken(limits));
  app.addHook('onRequest', requireRight('cache', authMetrics, recordRefused));
  protocol.register({
    on: (methods, url, handle) =>
      void app.route({
        method: [methods].flat(),
        url,
        exposeHeadRoute: false,
        handler: rawRoute(handle, fail),
      }),
    entries: options.entries,
    downloads: new EntryDownloads(options, accounts),
    uploads: new EntryUploads(options, accounts),
    accounts,
  });

  /** What is not even looked at goes on record by its address. */
  function recordRefused(request: FastifyRequest, { id: who }: Access): void {
    if (request.method !== 'DELETE') return;
    const [key = ''] = request.url.split('?', 1);
    const address = options.proxies.clientOf(request.raw);
    options.audit.record({ who, action: 'delete', key, result: 'refused', requestId: request.id, address });
  }

  function fail(error: unknown, request: FastifyRequest, response: ServerResponse): void {
    const problem = toProblem(error, request.id);
    if (isBrokenOff(request.raw) && !(error instanceof VelocityError)) return; // nothing was stored
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    if (problem.code !== 'NOT_FOUND')
      options.metrics.failures.inc({ protocol: protocol.name, code: problem.code });
    const answer = protocol.failure(problem, request.method);
    if (request.method === 'PUT') countFailure(problem, answer, request);
    if (response.headersSent) {
      response.destroy(); // a body that was cut short must not look whole
      return;
    }
    const { status, contentType, body, headers = [] } = answer;
    const bytes = Buffer.from(body);
    if (status !== problem.status) response.setHeader('x-velocity-error', problem.code);
    response.writeHead(status, [
      ...['content-type', contentType, 'content-length', String(bytes.length)],
      ...headers,
    ]);
    response.end(request.method === 'HEAD' ? undefined : bytes);
    if (request.raw.complete) return;
    if (!hasAccess(request)) drainRest(request.raw, limits?.transferCharge(request.raw));
    // A client that is told that all is well must get to send all.
    else
      drainRest(request.raw, accounts.chargeOf(request), status < 300 ? Number.POSITIVE_INFINITY : undefined);
  }

  function countFailure(problem: Problem, answer: ProtocolAnswer, request: FastifyRequest): void {
    const { status, code, detail, requestId } = problem;
    const isDropped = status < 500 && answer.status < 300;
    const outcome = status >= 500 ? 'failed' : isDropped ? 'dropped' : 'refused';
    options.metrics.uploads.inc({ protocol: protocol.name, outcome });
    if (isDropped) dropped.happened({ code, detail });
    // Its client does not say why; of limits the metrics tell, as often as they are met.
    else if (status < 500 && status !== 429 && answer.status !== status && hasAccess(request))
      logger.warn({ requestId, code, detail, told: answer.status }, 'an upload was refused');
  }
}

/** A token opens the addresses of its own tenant; of others it is unknown. */
function assertTenant(request: FastifyRequest): void {
  const { tenant } = request.params as { readonly tenant?: string };
  if (tenant === undefined || tenant === accessOf(request).tenant) return;
  throw new VelocityError('UNAUTHORIZED', 'This server does not know the token that was sent.');
}
