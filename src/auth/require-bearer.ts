import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import { VelocityError } from '../base/errors.ts';
import { nameSender } from '../http/listener.ts';
import { type Access, DEFAULT_TENANT, type Right } from './access.ts';
import type { Authenticator, Refusal } from './authenticator.ts';
import type { AuthMetrics } from './metrics.ts';

/** Beside every 401. RFC 9110 §11.6.1. */
export const CHALLENGE = 'Bearer realm="velocitycache"';

const accesses = new WeakMap<FastifyRequest, Access>();

/** What the token of a request means; only for requests that the hook below has let in. */
export function accessOf(request: FastifyRequest): Access {
  const access = accesses.get(request);
  if (!access) throw new Error('unreachable: a route asks for the access of a request that no hook has seen');
  return access;
}

/** Whether a hook has let the request in. */
export function hasAccess(request: FastifyRequest): boolean {
  return accesses.has(request);
}

/**
 * A hook that lets only known tokens in, before any body is read. One answer for tokens that are
 * unknown, revoked and expired: 401.
 */
export function requireBearer(authenticator: Authenticator, metrics: AuthMetrics): onRequestHookHandler {
  return (request, reply, done) => {
    const { authorization } = request.headers;
    const known = authenticator.known(authorization, request.socket);
    if (known) return letIn(known);
    authenticator.authenticate(authorization).then((authentication) => {
      if ('access' in authentication) return letIn(authentication.access);
      metrics.failures.inc({ reason: authentication.refusal });
      reply.header('www-authenticate', CHALLENGE);
      done(refused(authentication));
    }, done);

    function letIn(access: Access): void {
      nameSender(request, access.id);
      accesses.set(request, access);
      done();
    }
  };
}

/**
 * A hook behind that one: a known token without the right is told 403. Limits of tokens come between the two, for
 * what is refused is asked all the same.
 * @param onForbidden told of each of those
 */
export function requireRight(
  right: Right,
  metrics: AuthMetrics,
  onForbidden: (request: FastifyRequest, access: Access) => void = () => {},
): onRequestHookHandler {
  return (request, _reply, done) => {
    const access = accessOf(request);
    if (access.rights.has(right)) return done();
    metrics.failures.inc({ reason: 'no-right' });
    onForbidden(request, access);
    done(new VelocityError('FORBIDDEN', `This token has no right to this: it lacks "${right}".`));
  };
}

/**
 * A hook behind that one, for what is the server's as a whole and no tenant's: named stores, files. Tenants see nothing of
 * each other, so only tokens of the default tenant, which is the server's own, get there.
 */
export function requireServersTenant(metrics: AuthMetrics): onRequestHookHandler {
  return (request, _reply, done) => {
    const { tenant } = accessOf(request);
    if (tenant === DEFAULT_TENANT) return done();
    metrics.failures.inc({ reason: 'no-right' });
    const whose = `Stores and files are of the tenant "${DEFAULT_TENANT}"; this token is of "${tenant}".`;
    done(new VelocityError('FORBIDDEN', whose));
  };
}

/** What the bearer is told: where a token was sent, no more than that it opens nothing. */
export function refused({ refusal }: Refusal): VelocityError {
  if (refusal === 'issuer-unavailable') {
    const message = 'The keys of the issuer of this token cannot be had at the moment.';
    return new VelocityError('ISSUER_UNAVAILABLE', message);
  }
  return new VelocityError(
    'UNAUTHORIZED',
    refusal === 'no-token'
      ? 'Send the server’s token as "Authorization: Bearer <token>".'
      : 'This server does not know the token that was sent.',
  );
}
