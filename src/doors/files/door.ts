import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { charged } from '../../auth/limits/charged.ts';
import { accessOf, hasAccess } from '../../auth/require-bearer.ts';
import { type CallerOptions, requireCaller } from '../../auth/require-caller.ts';
import type { Clock } from '../../base/clock.ts';
import { VelocityError } from '../../base/errors.ts';
import type { BucketObjects } from '../../buckets/bucket-objects.ts';
import { FILES_BUCKET } from '../../files/file-path.ts';
import type { Files } from '../../files/files.ts';
import type { HttpApp } from '../../http/listener.ts';
import { toProblem, writeProblem } from '../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../http/raw-route.ts';
import { drainRest } from '../../http/transfer.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FilesContext } from './context.ts';
import { deleteFile } from './delete-file.ts';
import { FILES_PREFIXES, type FileAddress, fileAddress } from './file-address.ts';
import { getFile } from './get-file.ts';
import { type BlobStats, registerJournal } from './journal-routes.ts';
import type { FilesMetrics } from './metrics.ts';
import type { MountTable } from './mounts/mount-table.ts';
import { handleMounted } from './mounts/mounted-files.ts';
import { patchFile } from './patch-file.ts';
import { postFile } from './post-file.ts';
import { registerPrune } from './prune-route.ts';
import { putFile } from './put-file.ts';
import { refuseParameters } from './query.ts';

export interface FilesDoorOptions extends CallerOptions {
  readonly files: Files;
  readonly mounts: MountTable;
  /** What mounts lead to; `undefined`: no store is configured. */
  readonly objects: BucketObjects | undefined;
  readonly maxUploadBytes: number;
  readonly metrics: FilesMetrics;
  readonly blobStats: BlobStats;
  readonly logger: Logger;
  readonly clock: Clock;
}

type Handle = (
  request: FastifyRequest,
  response: ServerResponse,
  address: FileAddress,
  context: FilesContext,
) => Promise<void>;

const HANDLES: Readonly<Record<string, Handle>> = {
  GET: getFile,
  HEAD: getFile,
  PUT: putFile,
  POST: postFile,
  PATCH: patchFile,
  DELETE: deleteFile,
};
const WRITES = new Set(['PUT', 'POST', 'PATCH', 'DELETE']);

/** `/files/*` and `/api/v1/files/*`: a folder over HTTP. `/api/v1/journal`: what happened to it. */
export function registerFiles(app: HttpApp, options: FilesDoorOptions): void {
  const { files, mounts, objects, metrics, limits, logger, maxUploadBytes } = options;
  const context: FilesContext = {
    files,
    mounts,
    maxUploadBytes,
    sent: (request) => charged(limits, request, (bytes) => metrics.bytes.inc('egress', bytes)),
    received: (request) => charged(limits, request, (bytes) => metrics.bytes.inc('ingress', bytes)),
    senderOf: (request) => (hasAccess(request) ? accessOf(request).id : undefined),
  };

  app.register(async (plugin) => {
    const scope = plugin as HttpApp;
    leaveBodiesUnread(scope);
    const urls = FILES_PREFIXES.flatMap((prefix) => [prefix, `${prefix}/*`]);
    registerVerbs(scope, urls);
  });
  app.register(async (plugin) => {
    const scope = plugin as HttpApp;
    requireCaller(
      scope,
      { ...options, presigned: undefined },
      { ...OPENS, read: () => undefined, placeOf: nowhere },
    );
    registerJournal(scope, files, options.blobStats);
    registerPrune(scope, options);
  });

  function registerVerbs(scope: HttpApp, urls: readonly string[]): void {
    const read = (request: FastifyRequest): FileAddress => fileAddress(request.url);
    const signedOf = requireCaller(scope, options, {
      ...{ ...OPENS, read },
      placeOf: ({ path }) => ({ bucket: FILES_BUCKET, path }),
    });
    for (const [method, handle] of Object.entries(HANDLES))
      for (const url of urls)
        scope.route({
          url,
          method,
          exposeHeadRoute: false,
          handler: rawRoute(async (request, response) => {
            const isWrite = WRITES.has(method);
            if (isWrite) assertMayWrite(request);
            const signed = signedOf(request);
            if (signed) refuseParameters(signed.query); // it opens the file as it is, not what it was
            await answer(request, response, signed ?? read(request), handle);
            if (!isWrite) return;
            metrics.writes.inc('done');
            if (!request.raw.complete) drainRest(request.raw, limits?.transferCharge(request.raw));
          }, fail),
        });
  }

  async function answer(
    request: FastifyRequest,
    response: ServerResponse,
    address: FileAddress,
    handle: Handle,
  ): Promise<void> {
    const at = mounts.mountAt(address.path);
    if (!at) return handle(request, response, address, context);
    if (!objects)
      throw new VelocityError('STORAGE_UNAVAILABLE', `The store ${at.mount.store} is not configured.`);
    return handleMounted(request, response, at, { ...context, objects });
  }

  function fail(error: unknown, request: FastifyRequest, response: ServerResponse): void {
    const problem = toProblem(error, request.id);
    if (isBrokenOff(request.raw) && !(error instanceof VelocityError)) return; // the client left; there is nobody to tell
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    if (WRITES.has(request.method)) metrics.writes.inc(problem.status >= 500 ? 'failed' : 'refused');
    writeProblem(response, problem);
    if (!request.raw.complete) drainRest(request.raw, limits?.transferCharge(request.raw));
  }
}

const OPENS = { right: 'files' } as const;

function nowhere(): never {
  throw new Error('unreachable: nothing here is presigned');
}

/** Who writes nothing to the build cache writes no files either. A signature names its method. */
function assertMayWrite(request: FastifyRequest): void {
  if (!hasAccess(request) || accessOf(request).writeScope !== undefined) return;
  throw new VelocityError('FORBIDDEN', 'This token reads and does not write.');
}
