import type { FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify';
import type { Authenticator } from '../../auth/authenticator.ts';
import { limitToken } from '../../auth/limits/limit-hooks.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../auth/metrics.ts';
import type { PresignedMethod, PresignedPaths, PresignRefusal } from '../../auth/presigned-path.ts';
import { requireBearer, requireRight } from '../../auth/require-bearer.ts';
import { VelocityError } from '../../base/errors.ts';
import type { HttpApp } from '../../http/listener.ts';
import type { Bucket } from './buckets.ts';
import { type ObjectRequest, objectRequest } from './object-request.ts';

export interface CallerOptions {
  readonly authenticator: Authenticator;
  readonly authMetrics: AuthMetrics;
  readonly limits?: RateLimits | undefined;
  /** Without it no URL is signed for this server. */
  readonly presigned?: PresignedPaths | undefined;
}

const signedObjects = new WeakMap<FastifyRequest, ObjectRequest>();

/** What a signature opened, as it was read to be checked; `undefined`: a token let the request in. */
export function signedObjectOf(request: FastifyRequest): ObjectRequest | undefined {
  return signedObjects.get(request);
}

/** Lets in whoever was given a URL for just this, and whoever's token has a right to objects. */
export function requireCaller(scope: HttpApp, bucket: Bucket, options: CallerOptions): void {
  const { authenticator, authMetrics, limits, presigned } = options;
  scope.addHook('onRequest', async (request) => {
    const sig = signatureOf(request);
    if (sig === undefined) return;
    const object = objectRequest(bucket, request.url);
    const method = request.method as PresignedMethod;
    const checked = presigned?.check(sig, { method, bucket: bucket.id, path: object.key }) ?? 'malformed';
    if (typeof checked === 'string') {
      authMetrics.failures.inc({ reason: checked });
      throw refused(checked);
    }
    signedObjects.set(request, object);
  });
  scope.addHook('onRequest', unlessSigned(requireBearer(authenticator, authMetrics)));
  if (limits) scope.addHook('onRequest', unlessSignedToo(limitToken(limits)));
  scope.addHook('onRequest', unlessSigned(requireRight('objects', authMetrics)));
}

/** A signature decides alone: a token beside it opens nothing that it does not. Two of them are none. */
function signatureOf({ query }: FastifyRequest): string | undefined {
  const { sig } = query as { readonly sig?: unknown };
  return sig === undefined ? undefined : String(sig);
}

function unlessSigned(hook: onRequestAsyncHookHandler): onRequestAsyncHookHandler {
  return async function (request, reply) {
    if (signatureOf(request) === undefined) await hook.call(this, request, reply);
  };
}

function unlessSignedToo(hook: onRequestHookHandler): onRequestHookHandler {
  return function (request, reply, done) {
    if (signatureOf(request) === undefined) hook.call(this, request, reply, done);
    else done();
  };
}

function refused(refusal: PresignRefusal): VelocityError {
  return refusal === 'expired'
    ? new VelocityError('URL_EXPIRED', 'This URL has expired; ask for a new one.')
    : new VelocityError('FORBIDDEN', `This URL does not open this (${refusal}).`);
}
