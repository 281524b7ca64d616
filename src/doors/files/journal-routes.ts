import type { FastifyRequest } from 'fastify';
import { parseFilePath } from '../../files/file-path.ts';
import type { Files } from '../../files/files.ts';
import { JOURNAL_OPS, type JournalOp } from '../../files/journal/journal-entry.ts';
import type { HttpApp } from '../../http/listener.ts';
import { pageJson } from './history.ts';
import { parseInstant } from './instant.ts';
import { Query, refused } from './query.ts';

/** `undefined`: they were not counted yet. */
export type BlobStats = () => { readonly blobs: number; readonly bytes: number } | undefined;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** `GET /api/v1/journal`, `GET /api/v1/journal/stats`, `POST /api/v1/journal/flush`. */
export function registerJournal(scope: HttpApp, files: Files, blobStats: BlobStats): void {
  const { journal } = files;
  scope.get('/api/v1/journal', async (request) => {
    const { limit, ...query } = readQuery(request);
    return pageJson('entries', journal.query({ ...query, limit: limit + 1 }), limit);
  });

  scope.get('/api/v1/journal/stats', async () => {
    const { entries, newestTs, bytes, prunedBefore, skippedLines, isHealthy } = journal.stats();
    const blobs = blobStats();
    return {
      total_entries: entries,
      total_blobs: blobs?.blobs ?? null,
      total_blob_bytes: blobs?.bytes ?? null,
      total_storage_bytes: bytes + (blobs?.bytes ?? 0),
      newest_entry_ts: newestTs ?? null,
      pruned_before: prunedBefore === undefined ? null : new Date(prunedBefore).toISOString(),
      parse_failures: skippedLines,
      writer_healthy: isHealthy,
    };
  });

  scope.post('/api/v1/journal/flush', async (_request, reply) => {
    try {
      await files.flush();
      return { flushed: true };
    } catch {
      return reply.code(503).send({ flushed: false }); // why is in the log, and in `writer_healthy`
    }
  });
}

function readQuery({ url }: FastifyRequest) {
  const query = Query.parse(
    url.split('?').slice(1).join('?'),
    [],
    ['path', 'op', 'since', 'limit', 'after_id'],
  );
  const [path, op, since] = [query.get('path'), query.get('op'), query.get('since')];
  return {
    path: path === undefined ? undefined : parseFilePath(path.replace(/^\//, '')),
    ops: op?.split(',').map(parseOp),
    since: since === undefined ? undefined : parseSince(since),
    afterId: query.integer('after_id', 0),
    limit: query.integer('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
}

function parseOp(text: string): JournalOp {
  const op = JOURNAL_OPS.find((name) => name === text);
  if (op) return op;
  throw refused('op', `There is no operation "${text}"; there are ${JOURNAL_OPS.join(', ')}.`);
}

function parseSince(text: string): number {
  const ts = parseInstant(text);
  if (ts !== undefined) return ts;
  throw refused(
    'since',
    '"since" is a time as 2030-01-31T12:00:00Z (RFC 3339), or in milliseconds since 1970.',
  );
}
