/** The message of `GET /v1/access`: what the token that asks means. */
import { isScopeName } from '../base/scope-name.ts';

export const ACCESS_PATH = '/v1/access';

export interface AccessReply {
  readonly tenant: string;
  /** Where uploads land; `null` writes nothing. */
  readonly writeScope: string | null;
  /** In the order they are looked at. */
  readonly readScopes: readonly string[];
  readonly rights: readonly string[];
  /** An ISO 8601 instant; `null` does not expire. */
  readonly expires: string | null;
}

/** Reads one off the wire; `undefined` where it is not of this form. */
export function parseAccessReply(raw: unknown): AccessReply | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { tenant, writeScope, readScopes, rights, expires } = raw as Record<string, unknown>;
  if (!isName(tenant) || (writeScope !== null && !isName(writeScope))) return undefined;
  if (!isListOf(readScopes, isName) || !isListOf(rights, isText)) return undefined;
  if (expires !== null && !isText(expires)) return undefined;
  return { tenant, writeScope, readScopes, rights, expires };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isName(value: unknown): value is string {
  return isText(value) && isScopeName(value);
}

function isListOf<T>(value: unknown, isOne: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isOne);
}
