import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { BlobGrant, BlobUrlRefusal, BlobUrls } from '../../auth/blob-url.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../auth/metrics.ts';
import { parseByteRange } from '../../base/byte-range.ts';
import type { Clock } from '../../base/clock.ts';
import { VelocityError } from '../../base/errors.ts';
import type { HttpApp } from '../../http/listener.ts';
import { toProblem, writeProblem } from '../../http/problem.ts';
import { isBrokenOff, leaveBodiesUnread, rawRoute } from '../../http/raw-route.ts';
import {
  announcedLength,
  boundedBody,
  drainRest,
  rangeUnsatisfiable,
  representationHead,
  sendBody,
  sendBytes,
} from '../../http/transfer.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';
import type { ObjectFacts, ObjectStore } from '../../storage/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { BuildCacheMetrics } from './metrics.ts';
import { protocolOf } from './scoped-key.ts';
import { BLOB_PATH } from './signed-request.ts';

export interface BlobRoutesOptions {
  readonly store: ObjectStore;
  readonly urls: BlobUrls;
  readonly metrics: BuildCacheMetrics;
  readonly authMetrics: AuthMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly maxArtifactBytes: number;
  readonly limits?: RateLimits | undefined;
}

const PROTOCOL = 'velocity';

/**
 * `GET|HEAD|PUT /v1/proxy/blob/{key}`: the bytes of stores that cannot presign pass here.
 * What a request may do is in its signed query; bodies are streamed, never held.
 */
export function registerBlobs(app: HttpApp, options: BlobRoutesOptions): void {
  const { store, urls, metrics, authMetrics, logger, clock, maxArtifactBytes, limits } = options;

  // Encapsulated: only here are bodies of any type left unread for the handler.
  app.register(async (scope) => {
    leaveBodiesUnread(scope as HttpApp);
    const route = (handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>) =>
      rawRoute((request, response) => handle(request.raw, response), fail);
    scope.get(`${BLOB_PATH}*`, { exposeHeadRoute: false }, route(get));
    scope.head(`${BLOB_PATH}*`, route(head));
    scope.put(`${BLOB_PATH}*`, route(put));
  });

  async function head(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { key } = granted('GET', request);
    const facts = await store.head(key);
    if (!facts) throw missing(key);
    const { status, headers } = representationHead({ ...facts, span: 'whole' });
    response.writeHead(status, withDigest(headers, facts));
    response.end();
  }

  async function get(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { key } = granted('GET', request);
    const got = await store.get(key, parseByteRange(request.headers.range ?? ''));
    if (got === undefined) throw missing(key);
    if (got === 'unsatisfiable') {
      const size = (await store.head(key))?.sizeBytes ?? 0;
      throw rangeUnsatisfiable(response, 'The object', size);
    }
    const { status, headers } = representationHead({ ...got.facts, span: got.span });
    response.writeHead(status, withDigest(headers, got.facts));
    const charge = limits?.transferCharge(request);
    const sent = got.bytes
      ? sendBytes(response, got.bytes, charge)
      : await sendBody(response, got.body, charge);
    metrics.bytes.inc({ protocol: protocolOf(key), direction: 'read', route: 'proxied' }, sent);
  }

  async function put(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { key, grant } = granted('PUT', request);
    const { sizeBytes = announcedLength(request), digest, ifAbsent, metadata } = grant;
    assertTermsAreSent(grant, request);
    const body = boundedBody(request, maxArtifactBytes, limits?.transferCharge(request));
    // Saves the loser of a race its upload; which write wins is decided by `put` below.
    const outcome =
      (await store.head(key)) && ifAbsent
        ? 'exists'
        : await store.put(key, body, { ifAbsent, sizeBytes, digest, metadata });
    metrics.uploads.inc({ protocol: PROTOCOL, outcome });
    if (outcome === 'exists') {
      throw new VelocityError('ALREADY_STORED', 'This key is stored already; the first write won.');
    }
    const received = sizeBytes ?? (await store.head(key))?.sizeBytes ?? 0;
    metrics.bytes.inc({ protocol: PROTOCOL, direction: 'write', route: 'proxied' }, received);
    response.writeHead(201, ['content-length', '0']);
    response.end();
  }

  function granted(
    method: BlobGrant['method'],
    request: IncomingMessage,
  ): { key: ObjectKey; grant: BlobGrant } {
    const [path = '', query = ''] = splitOnce(request.url ?? '', '?');
    const key = parseObjectKey(decodeOnce(path.slice(BLOB_PATH.length)));
    const grant = urls.check(method, key, query, clock.now());
    if (typeof grant === 'string') {
      authMetrics.failures.inc({ reason: grant });
      throw refused(grant);
    }
    return { key, grant };
  }

  function fail(error: unknown, request: FastifyRequest, response: ServerResponse): void {
    const problem = toProblem(error, request.id);
    if (isBrokenOff(request.raw) && !(error instanceof VelocityError)) return; // the client broke off; nothing was stored
    if (problem.status >= 500) logger.error({ requestId: request.id, err: error }, 'a request failed');
    if (request.method === 'PUT' && problem.code !== 'ALREADY_STORED') {
      metrics.uploads.inc({ protocol: PROTOCOL, outcome: problem.status >= 500 ? 'failed' : 'refused' });
    }
    writeProblem(response, problem);
    if (!request.raw.complete) drainRest(request.raw, limits?.transferCharge(request.raw));
  }
}

/** The terms of a signed PUT must also be on the request, as they must towards S3: a client that drops one is wrong. */
function assertTermsAreSent({ ifAbsent, sizeBytes }: BlobGrant, request: IncomingMessage): void {
  if (ifAbsent && request.headers['if-none-match'] !== '*') {
    throw new VelocityError('FORBIDDEN', 'This URL was signed for "If-None-Match: *", which was not sent.', {
      field: 'if-none-match',
    });
  }
  const announced = announcedLength(request);
  if (sizeBytes !== undefined && announced !== undefined && announced !== sizeBytes) {
    throw new VelocityError(
      'FORBIDDEN',
      `This URL was signed for ${sizeBytes} bytes, ${announced} were announced.`,
      {
        field: 'content-length',
      },
    );
  }
}

function refused(refusal: BlobUrlRefusal): VelocityError {
  if (refusal === 'expired')
    return new VelocityError('URL_EXPIRED', 'This URL has expired; negotiate again.');
  return new VelocityError('FORBIDDEN', `This URL does not open anything (${refusal}); negotiate one.`);
}

function missing(key: ObjectKey): VelocityError {
  return new VelocityError('NOT_FOUND', `There is no object ${key}.`);
}

/** RFC 9530: the digest of the whole representation, also beside a part of it. */
function withDigest(headers: string[], { digest }: ObjectFacts): string[] {
  if (digest !== undefined)
    headers.push('repr-digest', `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`);
  return headers;
}

function decodeOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new VelocityError('INVALID_KEY', 'The key is not valid percent-encoding.', {
      cause: error,
      field: 'key',
    });
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
