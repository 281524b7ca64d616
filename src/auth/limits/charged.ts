import type { FastifyRequest } from 'fastify';
import type { OnBytes } from '../../http/transfer.ts';
import { accessOf, hasAccess } from '../require-bearer.ts';
import type { RateLimits } from './rate-limits.ts';

/** Counts bytes, and charges them to whoever sent the request: to the token, where there is one, and to the address. */
export function charged(limits: RateLimits | undefined, request: FastifyRequest, count: OnBytes): OnBytes {
  const ofToken = hasAccess(request) ? limits?.tokenCharge(accessOf(request), 'bytes') : undefined;
  const ofAddress = limits?.transferCharge(request.raw);
  return (bytes) => {
    count(bytes);
    ofToken?.(bytes);
    ofAddress?.(bytes);
  };
}
