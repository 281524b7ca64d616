import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../base/errors.ts';

/**
 * How the client reached us, for the URLs we hand back to it. A TLS-ending proxy says so in
 * X-Forwarded-Proto, the first of several in its first item; a client that lies there only gets
 * a useless URL for itself.
 */
export function originOf({ headers, socket }: FastifyRequest): string {
  const [forwarded] = String(headers['x-forwarded-proto'] ?? '').split(',', 1);
  const scheme = forwarded?.trim().toLowerCase() === 'https' || 'encrypted' in socket ? 'https' : 'http';
  const host = headers.host ?? `${socket.localAddress}:${socket.localPort}`;
  if (!URL.canParse(`${scheme}://${host}`)) {
    throw new VelocityError('BAD_REQUEST', 'The Host header is not a host.', { field: 'host' });
  }
  return `${scheme}://${host}`;
}
