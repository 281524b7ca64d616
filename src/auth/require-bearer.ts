import type { onRequestAsyncHookHandler } from 'fastify';
import { VelocityError } from '../base/errors.ts';
import type { BearerTokens } from './bearer.ts';
import type { AuthMetrics } from './metrics.ts';

/** A hook that lets only known tokens in, before any body is read. */
export function requireBearer(tokens: BearerTokens, metrics: AuthMetrics): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const { authorization } = request.headers;
    if (tokens.authenticate(authorization)) return;
    const reason = authorization === undefined ? 'no-token' : 'unknown-token';
    metrics.failures.inc({ reason });
    reply.header('www-authenticate', 'Bearer realm="velocitycache"'); // RFC 9110 §11.6.1
    throw new VelocityError(
      'UNAUTHORIZED',
      reason === 'no-token'
        ? 'Send the server’s token as "Authorization: Bearer <token>".'
        : 'This server does not know the token that was sent.',
    );
  };
}
