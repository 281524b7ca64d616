import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import { nameClient } from '../../http/listener.ts';
import { drainRest } from '../../http/transfer.ts';
import { accessOf } from '../require-bearer.ts';
import type { LimitRefusal, RateLimits } from './rate-limits.ts';
import { spellLimit } from './token-limits.ts';

/** A hook that lets an address pass as often as it may. Comes before any token is looked at: guessing counts too. */
export function limitAddress(limits: RateLimits): onRequestHookHandler {
  return (request, reply, done) => {
    const address = limits.addressOf(request.raw);
    const refusal = limits.admitAddress(address);
    if (!refusal) return done();
    nameClient(request, address);
    done(refuse(refusal, request, reply));
  };
}

/** Likewise for a token, after `requireBearer` has let it in and before its rights are looked at. */
export function limitToken(limits: RateLimits): onRequestHookHandler {
  return (request, reply, done) => {
    const refusal = limits.admitToken(accessOf(request));
    done(refusal && refuse(refusal, request, reply));
  };
}

/** Before any body is read; what is sent all the same is dropped, so that the client gets to see the answer. */
function refuse(
  { by, what, rate, waitMs }: LimitRefusal,
  request: FastifyRequest,
  reply: FastifyReply,
): VelocityError {
  if (!request.raw.complete) drainRest(request.raw);
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  reply.header('retry-after', seconds); // RFC 9110 §10.2.3
  const did = what === 'requests' ? 'sent more requests' : 'moved more bytes';
  return new VelocityError(
    'RATE_LIMITED',
    `This ${by} ${did} than its limit of ${spellLimit(what, rate)}; try again in ${seconds} s.`,
  );
}
