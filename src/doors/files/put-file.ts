import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import type { JournalEntry } from '../../files/journal/journal-entry.ts';
import { answerJson } from '../../http/json.ts';
import { announcedLength, boundedBody } from '../../http/transfer.ts';
import type { FilesContext } from './context.ts';
import type { FileAddress } from './file-address.ts';
import { assertNoMounts } from './mounts/delete-mounted.ts';
import { refuseParameters } from './query.ts';
import { writeConditions } from './write-conditions.ts';

const CONDITIONS = ['if-match', 'if-none-match', 'if-unmodified-since'] as const;
const SMALL_BYTES = 64 * 1024;

/**
 * Answers a PUT: 201 for a new file, 200 for one in place of another, with its ETag and its revision.
 * @throws VelocityError `PRECONDITION_FAILED`, `PATH_CONFLICT`, `PATH_BUSY`, `BODY_*`, `STORAGE_*`, `JOURNAL_UNAVAILABLE`
 */
export async function putFile(
  request: FastifyRequest,
  response: ServerResponse,
  { path, query, written }: FileAddress,
  { files, mounts, maxUploadBytes, received, senderOf }: FilesContext,
): Promise<void> {
  refuseParameters(query);
  const { raw } = request;
  // RFC 9110 §14.4: a server that does not know what to do with it must not store the part as the whole.
  if (raw.headers['content-range'] !== undefined)
    throw new VelocityError('BAD_REQUEST', 'A part of a file is written with PATCH and X-Update-Range.', {
      field: 'content-range',
    });
  if (written.endsWith('/'))
    throw new VelocityError(
      'PATH_CONFLICT',
      'A path with a slash at its end is a folder’s; POST ?mkdir makes one.',
    );
  assertNoMounts(path, mounts);
  const check = writeConditions(raw);
  if (isWorthALook(raw)) {
    const state = await files.stateOf(path);
    if (state === 'folder')
      throw new VelocityError('PATH_CONFLICT', `${path} is a folder.`, { field: 'path' });
    check(state);
  }
  const entry = await files.put(path, boundedBody(raw, maxUploadBytes), {
    sizeBytes: announcedLength(raw),
    ownsChunks: true,
    onBytes: received(request),
    by: senderOf(request),
    check,
  });
  answerWritten(response, entry);
}

/** Whether a body that may be refused for what is there would cost its sender more than a look. It is looked at again when it is here. */
function isWorthALook(request: IncomingMessage): boolean {
  const { headers } = request;
  if (CONDITIONS.some((name) => headers[name] !== undefined) || headers.expect !== undefined) return true;
  return (announcedLength(request) ?? Number.POSITIVE_INFINITY) > SMALL_BYTES;
}

/** What a write has made. */
export function answerWritten(response: ServerResponse, { op, path, seq, after }: JournalEntry): void {
  response.setHeader('etag', `"${after?.sha256}"`);
  response.setHeader('x-revision', String(seq));
  answerJson(response, op === 'create' ? 201 : 200, {
    ...{ path, size: after?.sizeBytes, sha256: after?.sha256, revision: seq },
  });
}
