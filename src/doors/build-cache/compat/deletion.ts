import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { TrustedProxies } from '../../../http/trusted-proxies.ts';
import type { AuditLog } from '../../../telemetry/audit-log.ts';
import type { Entries } from '../entries.ts';
import { scopedKey } from '../scoped-key.ts';

export interface DeletionRecord {
  readonly audit: AuditLog;
  /** Tells a client's address, for the audit log. */
  readonly proxies: TrustedProxies;
}

/**
 * A protocol's own DELETE: takes the entry out of the scope that the token writes, for tokens with the right `admin`. It is
 * written down before it is done, and so is that it was asked for in vain.
 * @throws VelocityError `FORBIDDEN`, `NOT_FOUND`, `AUDIT_UNAVAILABLE`, `STORAGE_*`
 */
export async function deleteAudited(
  request: FastifyRequest,
  name: string,
  entries: Entries,
  { audit, proxies }: DeletionRecord,
): Promise<void> {
  const access = accessOf(request);
  const { id: who, tenant, writeScope, rights } = access;
  const key = writeScope === undefined ? name : scopedKey(tenant, writeScope, name);
  const address = proxies.clientOf(request.raw);
  const event = { who, action: 'delete', key, requestId: request.id, address } as const;
  if (!rights.has('admin') || writeScope === undefined) {
    audit.record({ ...event, result: 'refused' });
    throw new VelocityError('FORBIDDEN', 'This token may not delete: it lacks "admin" or a scope to write.');
  }
  audit.record({ ...event, result: 'begun' });
  const removed = await entries.remove(access, name).catch((error: unknown) => {
    audit.record({ ...event, result: 'failed' });
    throw error;
  });
  audit.record({ ...event, result: removed === true ? 'done' : 'absent' });
  if (removed !== true) throw new VelocityError('NOT_FOUND', 'There is no such entry in this scope.');
}
