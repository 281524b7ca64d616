import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import { VelocityError } from '../base/errors.ts';
import type { HttpApp } from '../http/listener.ts';
import type { Right } from './access.ts';
import type { Authenticator } from './authenticator.ts';
import { limitToken } from './limits/limit-hooks.ts';
import type { RateLimits } from './limits/rate-limits.ts';
import type { AuthMetrics } from './metrics.ts';
import type { PresignedMethod, PresignedPaths, PresignRefusal } from './presigned-path.ts';
import { requireBearer, requireRight, requireServersTenant } from './require-bearer.ts';

export interface CallerOptions {
  readonly authenticator: Authenticator;
  readonly authMetrics: AuthMetrics;
  readonly limits?: RateLimits | undefined;
  /** Without it no URL is signed for this server. */
  readonly presigned?: PresignedPaths | undefined;
}

/** What a signature can be for. */
export interface SignedPlace {
  readonly bucket: string;
  /** Decoded. */
  readonly path: string;
}

/** What a scope's requests are about. */
export interface Opens<T> {
  /** What a token needs. */
  readonly right: Right;
  readonly read: (request: FastifyRequest) => T;
  readonly placeOf: (what: T) => SignedPlace;
}

/**
 * Lets in whoever was given a URL for just this, and whoever's token has the right.
 * @returns what a signature opened, as it was read to be checked; `undefined`: a token let the request in
 */
export function requireCaller<T>(
  scope: HttpApp,
  { authenticator, authMetrics, limits, presigned }: CallerOptions,
  { right, read, placeOf }: Opens<T>,
): (request: FastifyRequest) => T | undefined {
  const signed = new WeakMap<FastifyRequest, { readonly what: T }>();
  scope.addHook('onRequest', (request, _reply, done) => {
    const sig = signatureOf(request);
    if (sig === undefined) return done();
    try {
      signed.set(request, { what: checkedPlace(request, sig) });
    } catch (error) {
      return done(error as Error);
    }
    done();
  });
  scope.addHook('onRequest', unlessSigned(requireBearer(authenticator, authMetrics)));
  if (limits) scope.addHook('onRequest', unlessSigned(limitToken(limits)));
  scope.addHook('onRequest', unlessSigned(requireRight(right, authMetrics)));
  scope.addHook('onRequest', unlessSigned(requireServersTenant(authMetrics)));
  return (request) => signed.get(request)?.what;

  function checkedPlace(request: FastifyRequest, sig: string): T {
    const what = read(request);
    const method = request.method as PresignedMethod;
    const checked = presigned?.check(sig, { method, ...placeOf(what) }) ?? 'malformed';
    if (typeof checked !== 'string') return what;
    authMetrics.failures.inc({ reason: checked });
    throw refused(checked);
  }
}

/** A signature decides alone: a token beside it opens nothing that it does not. Two of them are none. */
function signatureOf({ query }: FastifyRequest): string | undefined {
  const { sig } = query as { readonly sig?: unknown };
  return sig === undefined ? undefined : String(sig);
}

function unlessSigned(hook: onRequestHookHandler): onRequestHookHandler {
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
