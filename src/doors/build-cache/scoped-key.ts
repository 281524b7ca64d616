import { DEFAULT_TENANT, MAIN_SCOPE } from '../../auth/access.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';
import type { Owner } from '../../storage/prune.ts';
import { OBJECT_KEY_PREFIX } from '../../wire/negotiate.ts';

/** What the runner's artifacts are called in their scope. Those of other build tools: `<protocol>/<key>`. */
export function artifactName(hash: CacheKey): string {
  return OBJECT_KEY_PREFIX + hash;
}

/**
 * Where an entry lies: `tenants/<tenant>/<scope>/<name>`, and for the scope `main` of the tenant `default` just
 * `<name>`, so that a server that knows one token needs to know nothing of this.
 *
 * No two scopes share a key: names of tenants and scopes hold no slash (`isScopeName`), no entry's name begins with
 * `tenants/`, and none of them moves the word that tells the two forms apart. This is the one place that makes such keys.
 * @throws VelocityError `INVALID_KEY` where no store can hold the name
 */
export function scopedKey(tenant: string, scope: string, name: string): ObjectKey {
  const isPlain = tenant === DEFAULT_TENANT && scope === MAIN_SCOPE;
  return parseObjectKey(`${isPlain ? '' : `tenants/${tenant}/${scope}/`}${name}`);
}

/** Where what is no entry yet waits: parts of uploads. One prefix for all scopes, so that what is left over is found. */
export const UPLOADS_PREFIX = 'uploads/';

/** Where a part of an upload waits: `uploads/<tenant>/<scope>/<name>`. No protocol is called `uploads`. */
export function uploadsKey(tenant: string, scope: string, name: string): ObjectKey {
  return parseObjectKey(`${UPLOADS_PREFIX}${tenant}/${scope}/${name}`);
}

/** Whose an object is, for keeping each scope to its share; what is under no scope is trusted. */
export function ownerOf(key: ObjectKey): Owner {
  const [, tenant, scope] = /^(?:tenants|uploads)\/([^/]+)\/([^/]+)\//.exec(key) ?? [];
  if (tenant === undefined || scope === undefined) return { name: '', isTrusted: true };
  return { name: `${tenant}/${scope}`, isTrusted: scope === MAIN_SCOPE };
}

/** Which protocol's entry lies at a key, by its name in metrics. Only for keys that this server made. */
export function protocolOf(key: ObjectKey): string {
  const [first = ''] = key.replace(/^tenants\/[^/]+\/[^/]+\//, '').split('/', 1);
  return `${first}/` === OBJECT_KEY_PREFIX ? 'velocity' : first;
}
