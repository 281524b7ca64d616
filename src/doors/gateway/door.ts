import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { charged } from '../../auth/limits/charged.ts';
import { type CallerOptions, requireCaller } from '../../auth/require-caller.ts';
import { VelocityError } from '../../base/errors.ts';
import type { Bucket } from '../../buckets/bucket.ts';
import type { BucketObject } from '../../buckets/bucket-object.ts';
import type { BucketObjects } from '../../buckets/bucket-objects.ts';
import { receiveObject } from '../../buckets/receive-object.ts';
import { sendObject, sendObjectHead } from '../../buckets/send-object.ts';
import type { HttpApp } from '../../http/listener.ts';
import { toProblem, writeProblem } from '../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../http/raw-route.ts';
import { drainRest } from '../../http/transfer.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { asksToPrefetch, objectRequest } from './object-request.ts';

export interface GatewayDoorOptions extends CallerOptions {
  readonly objects: BucketObjects;
  /** Largest object that is accepted. */
  readonly maxUploadBytes: number;
  readonly logger: Logger;
}

/** `GET|HEAD|PUT /{bucket}/{path}`: the objects of buckets, through the tiers. One set of routes a bucket. */
export function registerGateway(app: HttpApp, options: GatewayDoorOptions): void {
  const { objects, limits, maxUploadBytes, logger } = options;
  const { metrics, traffic } = objects;

  for (const bucket of objects.buckets.values())
    app.register(async (plugin) => {
      const scope = plugin as HttpApp;
      leaveBodiesUnread(scope);
      const signedObjectOf = requireCaller(scope, options, {
        right: 'objects',
        read: (request) => objectRequest(bucket, request.url),
        placeOf: ({ key }) => ({ bucket: bucket.id, path: key }),
      });
      const route = (
        handle: (request: FastifyRequest, response: ServerResponse, object: BucketObject) => Promise<void>,
      ) =>
        rawRoute(
          (request, response) =>
            handle(request, response, signedObjectOf(request) ?? objectRequest(bucket, request.url)),
          (error, request, response) => fail(bucket, error, request, response),
        );
      scope.get(`/${bucket.id}/*`, { exposeHeadRoute: false }, route(get));
      scope.head(`/${bucket.id}/*`, route(head));
      scope.put(`/${bucket.id}/*`, route(put));
    });

  async function get(request: FastifyRequest, response: ServerResponse, object: BucketObject): Promise<void> {
    const onBytes = charged(limits, request, (bytes) => traffic.sent(bytes));
    if (!(await sendObject(request, response, object, objects, onBytes))) throw missing();
  }

  async function head(
    request: FastifyRequest,
    response: ServerResponse,
    object: BucketObject,
  ): Promise<void> {
    const isToPrefetch = asksToPrefetch(request);
    if (!(await sendObjectHead(request, response, object, objects))) throw missing();
    if (isToPrefetch) objects.prefetch(object);
  }

  async function put(request: FastifyRequest, response: ServerResponse, object: BucketObject): Promise<void> {
    const onBytes = charged(limits, request, (bytes) => traffic.received(bytes));
    const { outcome, facts } = await receiveObject(request, object, objects, {
      maxBytes: maxUploadBytes,
      onBytes,
    });
    drainRest(request.raw);
    const etag = facts ? ['etag', `"${facts.etag}"`] : [];
    response.writeHead(outcome === 'overwritten' ? 200 : 201, ['content-length', '0', ...etag]);
    response.end();
    metrics.writes.inc({ outcome });
  }

  function fail(bucket: Bucket, error: unknown, request: FastifyRequest, response: ServerResponse): void {
    const problem = toProblem(error, request.id);
    const isUpstream = error instanceof VelocityError && error.code.startsWith('STORAGE_');
    if (isUpstream) metrics.upstreamErrors.inc({ bucket: bucket.id, kind: error.code });
    if (isBrokenOff(request.raw) && !(error instanceof VelocityError)) return; // the client left; there is nobody to tell
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    if (request.method === 'PUT')
      metrics.writes.inc({ outcome: problem.status >= 500 ? 'failed' : 'refused' });
    writeProblem(response, problem);
    if (!request.raw.complete) drainRest(request.raw, limits?.transferCharge(request.raw));
  }
}

/** The key is in the request; a signed URL's is nobody else's. */
function missing(): VelocityError {
  return new VelocityError('NOT_FOUND', 'There is no such object in this bucket.');
}
