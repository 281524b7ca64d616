import { accessReply } from '../../auth/access-reply.ts';
import { accessOf } from '../../auth/require-bearer.ts';
import type { HttpApp } from '../../http/listener.ts';
import { ACCESS_PATH, type AccessReply } from '../../wire/access.ts';

/** `GET /v1/access`: what the token that asks means. A writer must know its scope before it signs. */
export function registerAccess(app: HttpApp): void {
  app.get(ACCESS_PATH, async (request, reply): Promise<AccessReply> => {
    reply.header('cache-control', 'no-store');
    return accessReply(accessOf(request));
  });
}
