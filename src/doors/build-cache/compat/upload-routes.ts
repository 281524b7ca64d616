import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { BlobUrlRefusal } from '../../../auth/blob-url.ts';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../../auth/metrics.ts';
import type { UploadPlace, UploadUrls } from '../../../auth/upload-url.ts';
import type { Clock } from '../../../base/clock.ts';
import { parseDigest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { isScopeName } from '../../../base/scope-name.ts';
import type { HttpApp } from '../../../http/listener.ts';
import { toProblem } from '../../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../../http/raw-route.ts';
import { announcedLength, boundedBody, drainRest } from '../../../http/transfer.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { BuildCacheMetrics } from '../metrics.ts';
import {
  answerCreated,
  azureFailure,
  blobWriteOf,
  MAX_BLOCK_BYTES,
  nameAnswer,
  queryOf,
  readBlockList,
} from './azure-blob-requests.ts';
import { type BlockUploads, WHOLE } from './block-uploads.ts';
import type { UploadTallies } from './upload-tallies.ts';

/** Three segments and more: what the vendor's SDK takes for account, container and blob. */
const UPLOAD_PATH = '/v1/uploads';

export interface UploadRoutesOptions {
  readonly uploads: BlockUploads;
  readonly uploadUrls: UploadUrls;
  readonly tallies: UploadTallies;
  readonly metrics: BuildCacheMetrics;
  readonly authMetrics: AuthMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly maxArtifactBytes: number;
  readonly limits?: RateLimits | undefined;
}

/** The URL to which a client sends the parts of an upload, until it expires. */
export function uploadUrl(
  origin: string,
  urls: UploadUrls,
  place: UploadPlace,
  expiresAtSeconds: number,
): string {
  const { tenant, scope, entry, id } = place;
  return `${origin}${UPLOAD_PATH}/${tenant}/${scope}/${entry}/${id}?${urls.sign(place, expiresAtSeconds)}`;
}

/**
 * `PUT /v1/uploads/{tenant}/{scope}/{entry}/{id}` as Azure's block blobs are written: whole, or in blocks that come in
 * any order, and a list of them. The URL is the credential. What was sent is no entry yet.
 * @param protocol whose uploads they are, in metrics
 */
export function registerUploads(app: HttpApp, protocol: string, options: UploadRoutesOptions): void {
  const { uploads, uploadUrls, tallies, metrics, authMetrics, logger, clock, maxArtifactBytes, limits } =
    options;

  app.register(async (scope) => {
    leaveBodiesUnread(scope as HttpApp);
    scope.put(`${UPLOAD_PATH}/:tenant/:scope/:entry/:id`, rawRoute(put, fail));
  });

  async function put(request: FastifyRequest, response: ServerResponse): Promise<void> {
    nameAnswer(response, request.id);
    const query = queryOf(request.raw);
    const place = granted(request, query);
    const write = blobWriteOf(request.raw, query);
    switch (write.kind) {
      case 'whole':
        await stage(place, WHOLE, request.raw, maxArtifactBytes);
        await uploads.keep(place, await uploads.list(place, [WHOLE]));
        break;
      case 'block':
        await stage(place, write.id, request.raw, Math.min(MAX_BLOCK_BYTES, maxArtifactBytes));
        break;
      case 'list':
        await uploads.keep(place, await uploads.list(place, await readBlockList(request.raw)));
    }
    answerCreated(response);
  }

  async function stage(
    place: UploadPlace,
    block: string,
    request: IncomingMessage,
    maxBytes: number,
  ): Promise<void> {
    const [ofUpload, ofAddress] = [tallies.partOf(place.id), limits?.transferCharge(request)];
    const body = boundedBody(request, maxBytes, (bytes) => {
      ofUpload(bytes);
      ofAddress?.(bytes);
    });
    await uploads.stage(place, block, body, announcedLength(request));
  }

  function granted(request: FastifyRequest, query: URLSearchParams): UploadPlace {
    const place = placeOf(request.params as Readonly<Record<keyof UploadPlace, string>>);
    const refusal = place ? uploadUrls.refusal(place, query, clock.now()) : 'malformed';
    if (place && refusal === undefined) return place;
    authMetrics.failures.inc({ reason: refusal ?? 'malformed' });
    throw refused(refusal ?? 'malformed');
  }

  function fail(error: unknown, request: FastifyRequest, response: ServerResponse): void {
    if (isBrokenOff(request.raw) && !(error instanceof VelocityError)) return; // nothing was stored
    const problem = toProblem(error, request.id);
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    metrics.uploads.inc({ protocol, outcome: problem.status >= 500 ? 'failed' : 'refused' });
    const { status, contentType, body } = azureFailure(problem);
    const bytes = Buffer.from(body);
    response.writeHead(status, ['content-type', contentType, 'content-length', String(bytes.length)]);
    response.end(bytes);
    if (!request.raw.complete) drainRest(request.raw, limits?.transferCharge(request.raw));
  }
}

function placeOf({
  tenant,
  scope,
  entry,
  id,
}: Readonly<Record<keyof UploadPlace, string>>): UploadPlace | undefined {
  const digest = parseDigest(entry);
  if (!isScopeName(tenant) || !isScopeName(scope) || !digest || !/^[0-9a-f]{32}$/.test(id)) return undefined;
  return { tenant, scope, entry: digest, id };
}

function refused(refusal: BlobUrlRefusal): VelocityError {
  return refusal === 'expired'
    ? new VelocityError('URL_EXPIRED', 'This URL has expired; ask for another one.')
    : new VelocityError('FORBIDDEN', `This URL does not open anything (${refusal}).`);
}
