import type { AuthMetrics } from '../../auth/metrics.ts';
import { requireRight } from '../../auth/require-bearer.ts';
import { parseByteSize } from '../../base/byte-size.ts';
import type { Clock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { parseFilePath } from '../../files/file-path.ts';
import type { Files } from '../../files/files.ts';
import { dryRun, type PruneOptions, pruneFiles } from '../../files/prune-files.ts';
import type { HttpApp } from '../../http/listener.ts';
import { refused } from './query.ts';

export interface PruneRouteOptions {
  readonly files: Files;
  readonly authMetrics: AuthMetrics;
  readonly clock: Clock;
}

const FIELDS: readonly string[] = ['unread', 'max_size', 'path', 'dry_run'];

/**
 * `POST /api/v1/prune` with `{ unread?, max_size?, path?, dry_run? }`, durations and sizes as in settings: what `velocity
 * files prune` asks a server that has the folder. Behind the scope's own hooks.
 */
export function registerPrune(scope: HttpApp, { files, authMetrics, clock }: PruneRouteOptions): void {
  scope.post('/api/v1/prune', { onRequest: requireRight('admin', authMetrics) }, async ({ body }) => {
    const { isDryRun, ...limits } = readBody(body);
    const pruned = await pruneFiles(isDryRun ? dryRun(files.folder) : files, { ...limits, now: clock.now() });
    const { keptFiles: kept_files, keptBytes: kept_bytes, ...removed } = pruned;
    return { ...removed, kept_files, kept_bytes, dry_run: isDryRun };
  });
}

/** @throws VelocityError `BAD_REQUEST` */
function readBody(body: unknown): Omit<PruneOptions, 'now'> & { readonly isDryRun: boolean } {
  if (typeof body !== 'object' || body === null)
    throw refused('body', 'Send what to prune by as a JSON object.');
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw refused(unknown, `There is no field "${unknown}" here; there are ${FIELDS.join(', ')}.`);
  const { unread, max_size, path, dry_run } = body as Record<string, unknown>;
  const unreadMs = unread === undefined ? undefined : parseDuration(String(unread));
  const maxBytes = max_size === undefined ? undefined : parseByteSize(String(max_size));
  if (unread !== undefined && unreadMs === undefined)
    throw refused('unread', '"unread" is a time such as 30d.');
  if (max_size !== undefined && maxBytes === undefined)
    throw refused('max_size', '"max_size" is a size such as 50GiB.');
  if (unreadMs === undefined && maxBytes === undefined)
    throw refused('unread', 'Say "unread", "max_size" or both.');
  if (dry_run !== undefined && typeof dry_run !== 'boolean')
    throw refused('dry_run', '"dry_run" is true or false.');
  return {
    ...{ unreadMs, maxBytes, isDryRun: dry_run === true },
    path: path === undefined ? undefined : parseFilePath(String(path).replace(/^\//, '')),
  };
}
