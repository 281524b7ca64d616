import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import type { FilePath } from '../../files/file-path.ts';
import type { JournalEntry } from '../../files/journal/journal-entry.ts';
import { answerJson } from '../../http/json.ts';
import type { FilesContext } from './context.ts';
import type { FileAddress } from './file-address.ts';
import { assertNoMounts } from './mounts/delete-mounted.ts';
import type { MountTable } from './mounts/mount-table.ts';
import { answerWritten } from './put-file.ts';
import { writeConditions } from './write-conditions.ts';
import { parsePostQuery } from './write-query.ts';

/** Answers a POST: a copy, a move, a new folder, or a revision put in place of what is there. */
export async function postFile(
  request: FastifyRequest,
  response: ServerResponse,
  { path, query: text }: FileAddress,
  { files, mounts, senderOf }: FilesContext,
): Promise<void> {
  const query = parsePostQuery(text);
  const options = { by: senderOf(request), check: writeConditions(request.raw) };
  switch (query.kind) {
    case 'mkdir': {
      const isNew = await files.makeFolder(path, options);
      return answerJson(response, isNew ? 201 : 200, { path, type: 'folder' });
    }
    case 'restore':
      return answerWritten(response, await files.restore(path, query.seq, options));
    case 'copy': {
      const { to, overwrite } = query;
      assertLocal(path, to, mounts);
      return answerMoved(response, to, await files.copy(path, to, { ...options, overwrite }));
    }
    case 'move': {
      const { to, overwrite } = query;
      assertLocal(path, to, mounts);
      return answerMoved(response, to, await files.move(path, to, { ...options, overwrite }));
    }
  }
}

/**
 * Neither what goes nor where it goes is a mount's.
 * @throws VelocityError `PATH_CONFLICT`, `NOT_ON_A_MOUNT`
 */
export function assertLocal(path: FilePath, to: FilePath, mounts: MountTable): void {
  assertNoMounts(path, mounts);
  assertNoMounts(to, mounts);
  if (mounts.mountAt(to))
    throw new VelocityError('NOT_ON_A_MOUNT', `${to} is on a mount: GET the file and PUT it there.`, {
      field: 'path',
    });
}

/** @param entry of the file; `undefined`: it was a folder */
export function answerMoved(response: ServerResponse, to: FilePath, entry: JournalEntry | undefined): void {
  if (entry) answerWritten(response, entry);
  else answerJson(response, 200, { path: to, type: 'folder' });
}
