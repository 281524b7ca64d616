import type { AccessReply } from '../wire/access.ts';
import type { Access } from './access.ts';

/** What a token means, as its bearer is told. */
export function accessReply({ tenant, writeScope, readScopes, rights, expiresAt }: Access): AccessReply {
  const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
  return { tenant, writeScope: writeScope ?? null, readScopes, rights: [...rights], expires };
}
