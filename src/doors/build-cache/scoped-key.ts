import { DEFAULT_TENANT, MAIN_SCOPE } from '../../auth/access.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';
import type { Owner } from '../../storage/prune.ts';
import { OBJECT_KEY_PREFIX } from '../../wire/negotiate.ts';

/**
 * Where an artifact lies: `tenants/<tenant>/<scope>/objects/<hash>`, and for the scope `main` of the tenant
 * `default` just `objects/<hash>`, so that a server that knows one token needs to know nothing of this.
 *
 * No two scopes share a key: names hold no slash (`isScopeName`), and none of them moves the word that
 * tells the two forms apart. This is the one place that makes such keys.
 */
export function scopedKey(tenant: string, scope: string, hash: CacheKey): ObjectKey {
  const isPlain = tenant === DEFAULT_TENANT && scope === MAIN_SCOPE;
  return parseObjectKey(`${isPlain ? '' : `tenants/${tenant}/${scope}/`}${OBJECT_KEY_PREFIX}${hash}`);
}

/** Whose an object is, for keeping each scope to its share; what is under no scope is trusted. */
export function ownerOf(key: ObjectKey): Owner {
  const [, tenant, scope] = /^tenants\/([^/]+)\/([^/]+)\//.exec(key) ?? [];
  if (tenant === undefined || scope === undefined) return { name: '', isTrusted: true };
  return { name: `${tenant}/${scope}`, isTrusted: scope === MAIN_SCOPE };
}
