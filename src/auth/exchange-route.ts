import { VelocityError } from '../base/errors.ts';
import { type HttpApp, nameSender } from '../http/listener.ts';
import { EXCHANGE_PATH, type ExchangeReply } from '../wire/exchange.ts';
import { accessReply } from './access-reply.ts';
import type { Authenticator } from './authenticator.ts';
import type { AuthMetrics } from './metrics.ts';
import { CHALLENGE, refused } from './require-bearer.ts';

/** `POST /auth/oidc/exchange`: a token of this server for an issuer's, for clients that work longer than that is known. */
export function registerExchange(app: HttpApp, authenticator: Authenticator, metrics: AuthMetrics): void {
  app.post(EXCHANGE_PATH, async (request, reply): Promise<ExchangeReply> => {
    const { body } = request;
    const issued = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
    if (typeof issued !== 'string') {
      throw new VelocityError('BAD_REQUEST', 'Send {"token": "<the issuer’s token>"}.', { field: 'token' });
    }
    const exchanged = await authenticator.exchange(issued);
    if ('refusal' in exchanged) {
      metrics.failures.inc({ reason: exchanged.refusal });
      reply.header('www-authenticate', CHALLENGE);
      throw refused(exchanged);
    }
    const { token, access } = exchanged;
    nameSender(request, access.id);
    reply.header('cache-control', 'no-store'); // RFC 6749 §5.1
    return { token: token.reveal(), ...accessReply(access) };
  });
}
