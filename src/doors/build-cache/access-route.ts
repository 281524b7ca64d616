import { accessOf } from '../../auth/require-bearer.ts';
import type { HttpApp } from '../../http/listener.ts';
import { ACCESS_PATH, type AccessReply } from '../../wire/access.ts';

/** `GET /v1/access`: what the token that asks means. A writer must know its scope before it signs. */
export function registerAccess(app: HttpApp): void {
  app.get(ACCESS_PATH, async (request, reply): Promise<AccessReply> => {
    const { tenant, writeScope = null, readScopes, rights, expiresAt } = accessOf(request);
    reply.header('cache-control', 'no-store');
    const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
    return { tenant, writeScope, readScopes, rights: [...rights], expires };
  });
}
