/**
 * Rush's HTTP build cache plugin: `/rush/{id}`, also below a base path or with a `cacheKeyPrefix`.
 * https://rushjs.io/pages/maintainer/build_cache/
 */
import type { Problem } from '../../../http/problem.ts';
import type { DeletionRecord } from './deletion.ts';
import { keyValue } from './key-value.ts';
import type { Protocol } from './protocol.ts';

/** Write-once: an id that is held stays as it is, and Rush is told 200. */
export function rush(record: DeletionRecord): Protocol {
  return keyValue(
    {
      name: 'rush',
      keysLookLike: 'a cache entry id: letters, digits and . _ @ + ~ = , - in parts of at most 128',
      put: { stored: 200, exists: 200 },
      statusOf,
    },
    record,
  );
}

/**
 * An upload that fails, for whatever reason, is tried three times in eight seconds and then ends the project with a
 * warning and the whole run with exit code 1: so what cannot be kept is dropped and counted. Of what cannot be read 503
 * is the one status that Rush mentions without a warning; a warning, too, ends a run with 1.
 */
function statusOf({ status, code }: Problem, method: string): number {
  if (method === 'PUT') return status >= 500 || DROPPED.has(code) ? 200 : status;
  return status >= 500 && method !== 'DELETE' ? 503 : status;
}

const DROPPED: ReadonlySet<Problem['code']> = new Set(['BODY_TOO_LARGE', 'FORBIDDEN', 'RATE_LIMITED']);
