import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../auth/require-bearer.ts';
import { parseCacheKey } from '../../base/cache-key.ts';
import { VelocityError } from '../../base/errors.ts';
import { isScopeName, NAME_EXPECTS } from '../../base/scope-name.ts';
import type { HttpApp } from '../../http/listener.ts';
import type { TrustedProxies } from '../../http/trusted-proxies.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectStore } from '../../storage/store.ts';
import type { AuditEvent, AuditLog } from '../../telemetry/audit-log.ts';
import { artifactName, scopedKey } from './scoped-key.ts';

export const ENTRY_PATH = '/v1/entries/';

interface EntryRoutesOptions {
  readonly store: ObjectStore;
  readonly audit: AuditLog;
  readonly proxies: TrustedProxies;
}

/**
 * `DELETE /v1/entries/{hash}?scope=…`: takes an entry away, so that its key can be stored anew. 204, or 404 where
 * there is none. Of any scope of the token's tenant; without `scope` the one that the token writes.
 */
export function registerEntries(app: HttpApp, { store, audit, proxies }: EntryRoutesOptions): void {
  app.delete<{ Params: { hash: string } }>(`${ENTRY_PATH}:hash`, async (request, reply) => {
    const key = keyOf(request);
    const { id: who } = accessOf(request);
    const event = {
      who,
      action: 'delete',
      key,
      requestId: request.id,
      address: proxies.clientOf(request.raw),
    } as const;
    audit.record({ ...event, result: 'begun' });
    const isThere = await deleted(store, key).catch((error: unknown) => {
      audit.record({ ...event, result: 'failed' });
      throw error;
    });
    audit.record({ ...event, result: isThere ? 'done' : 'absent' });
    if (!isThere) throw new VelocityError('NOT_FOUND', 'There is no such entry in this scope.');
    return reply.code(204).send();
  });
}

/** Who was refused what, for the audit log; the hash as it was sent, if it is one. */
export function refusedDeletion(request: FastifyRequest, who: string, proxies: TrustedProxies): AuditEvent {
  const [path = ''] = request.url.split('?', 1);
  const key = parseCacheKey(path.slice(ENTRY_PATH.length)) ?? 'no key';
  const address = proxies.clientOf(request.raw);
  return { who, action: 'delete', key, result: 'refused', requestId: request.id, address };
}

function keyOf(request: FastifyRequest<{ Params: { hash: string } }>): ObjectKey {
  const hash = parseCacheKey(request.params.hash);
  if (hash === undefined)
    throw new VelocityError('BAD_REQUEST', 'hash must be 64 lower-case hex digits.', { field: 'hash' });
  const { tenant, writeScope } = accessOf(request);
  const { scope = writeScope, ...others } = request.query as { readonly scope?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined)
    // a scope that was misspelt would delete from another one
    throw new VelocityError('BAD_REQUEST', `${other} is no part of this address.`, { field: other });
  if (typeof scope !== 'string' || !isScopeName(scope))
    throw new VelocityError('BAD_REQUEST', `scope must be ${NAME_EXPECTS}.`, { field: 'scope' });
  return scopedKey(tenant, scope, artifactName(hash));
}

async function deleted(store: ObjectStore, key: ObjectKey): Promise<boolean> {
  if (!(await store.head(key))) return false;
  await store.delete(key);
  return true;
}
