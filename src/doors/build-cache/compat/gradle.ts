/**
 * Gradle's HTTP build cache: `/gradle/{key}`, also below a base path of the build's own.
 * https://docs.gradle.org/current/userguide/build_cache.html#sec:build_cache_configure_remote
 */
import type { FastifyRequest } from 'fastify';
import type { Problem } from '../../../http/problem.ts';
import type { Oversize } from '../settings.ts';
import type { DeletionRecord } from './deletion.ts';
import { keyValue } from './key-value.ts';
import type { Protocol } from './protocol.ts';

export interface GradleOptions extends DeletionRecord {
  readonly gradleOversize: Oversize;
}

/**
 * Write-once: a key that is held stays as it is, and Gradle is told 200. Its answer to a damaged entry, a new PUT, heals
 * nothing here; an entry damaged in the storage is removed when it is read, and any other by an admin's DELETE.
 *
 * Uploads always pass through this server. Gradle would repeat a PUT to where a 307 leads, but with its own headers
 * alone: without `If-None-Match` (S3), `x-goog-if-generation-match` (GCS) and `x-ms-blob-type` (Azure, which refuses a
 * PUT without it) such a URL could be signed only so that it overwrites, and keeps no provenance.
 */
export function gradle({ gradleOversize, ...record }: GradleOptions): Protocol {
  return keyValue(
    {
      name: 'gradle',
      // 32 hex digits today.
      keys: /(^|\/)[A-Za-z0-9._-]{1,128}$/,
      keysLookLike: 'a build cache key',
      put: { stored: 200, exists: 200 },
      // From https Gradle follows to no address that is less.
      sending: (request) => ({ redirects: keepsCredentials(request) && 'https' }),
      statusOf: (problem, method) => statusOf(problem, method, gradleOversize),
    },
    record,
  );
}

/**
 * Anything but 2xx, and 404 to a GET, makes Gradle give the remote cache up for the rest of its build. That is right
 * where it may not use it, or is to slow down (429); it is not where one entry could not be read or kept.
 */
function statusOf({ status, code }: Problem, method: string, oversize: Oversize): number {
  if (status >= 500 && method !== 'DELETE') return method === 'PUT' ? 200 : 404;
  if (method === 'PUT' && code === 'BODY_TOO_LARGE' && oversize === 'drop') return 200;
  return status;
}

/** Before 5.6 Gradle sent its credentials along to wherever it was redirected (CVE-2019-15052), and storages refuse that. */
function keepsCredentials({ headers }: FastifyRequest): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(String(headers['x-gradle-version'] ?? '')) ?? [];
  return Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 6);
}
