import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { accessOf, hasAccess } from '../../auth/require-bearer.ts';
import { type CallerOptions, requireCaller } from '../../auth/require-caller.ts';
import { VelocityError } from '../../base/errors.ts';
import type { BodyCache } from '../../cache/body-cache.ts';
import type { HttpApp } from '../../http/listener.ts';
import { toProblem, writeProblem } from '../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../http/raw-route.ts';
import { drainRest, type OnBytes } from '../../http/transfer.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ObjectMeta } from './bucket-source.ts';
import type { Bucket } from './buckets.ts';
import type { GatewayMetrics } from './metrics.ts';
import { asksToPrefetch, type ObjectRequest, objectRequest } from './object-request.ts';
import type { ObjectWrites } from './object-writes.ts';
import type { Prefetches } from './prefetches.ts';
import { putObject } from './put-object.ts';
import { getObject, headObject } from './read-object.ts';
import type { GatewayTraffic } from './traffic.ts';

export interface GatewayDoorOptions extends CallerOptions {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly cache: BodyCache<ObjectMeta>;
  readonly writes: ObjectWrites;
  readonly prefetches: Prefetches;
  readonly traffic: GatewayTraffic;
  readonly metrics: GatewayMetrics;
  /** Largest object that is accepted. */
  readonly maxUploadBytes: number;
  readonly logger: Logger;
}

/** `GET|HEAD|PUT /{bucket}/{path}`: the objects of buckets, through the tiers. One set of routes a bucket. */
export function registerGateway(app: HttpApp, options: GatewayDoorOptions): void {
  const { buckets, cache, writes, prefetches, traffic, metrics, limits, maxUploadBytes, logger } = options;

  for (const bucket of buckets.values())
    app.register(async (plugin) => {
      const scope = plugin as HttpApp;
      leaveBodiesUnread(scope);
      const signedObjectOf = requireCaller(scope, options, {
        right: 'objects',
        read: (request) => objectRequest(bucket, request.url),
        placeOf: ({ key }) => ({ bucket: bucket.id, path: key }),
      });
      const route = (
        handle: (request: FastifyRequest, response: ServerResponse, object: ObjectRequest) => Promise<void>,
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

  async function get(
    request: FastifyRequest,
    response: ServerResponse,
    object: ObjectRequest,
  ): Promise<void> {
    await getObject(
      request,
      response,
      object,
      cache,
      charged(request, (bytes) => traffic.sent(bytes)),
    );
  }

  async function head(
    request: FastifyRequest,
    response: ServerResponse,
    object: ObjectRequest,
  ): Promise<void> {
    const isToPrefetch = asksToPrefetch(request);
    await headObject(request, response, object, cache);
    if (isToPrefetch) prefetches.begin(object);
  }

  async function put(
    request: FastifyRequest,
    response: ServerResponse,
    object: ObjectRequest,
  ): Promise<void> {
    const onBytes = charged(request, (bytes) => traffic.received(bytes));
    const { outcome } = await putObject(request, response, object, writes, {
      maxBytes: maxUploadBytes,
      onBytes,
    });
    metrics.writes.inc({ outcome });
  }

  /** Counted, and charged to whoever sent the request: to the token, where there is one, and to the address. */
  function charged(request: FastifyRequest, count: OnBytes): OnBytes {
    const ofToken = hasAccess(request) ? limits?.tokenCharge(accessOf(request), 'bytes') : undefined;
    const ofAddress = limits?.transferCharge(request.raw);
    return (bytes) => {
      count(bytes);
      ofToken?.(bytes);
      ofAddress?.(bytes);
    };
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
