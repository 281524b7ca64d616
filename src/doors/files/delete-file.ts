import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { FilesContext } from './context.ts';
import type { FileAddress } from './file-address.ts';
import { missing } from './missing.ts';
import { assertNoMounts } from './mounts/delete-mounted.ts';
import { refuseParameters } from './query.ts';
import { writeConditions } from './write-conditions.ts';

/** Answers a DELETE, of a file or of a folder with all that is in it: 204, or 404 where there is nothing. */
export async function deleteFile(
  request: FastifyRequest,
  response: ServerResponse,
  { path, query }: FileAddress,
  { files, mounts, senderOf }: FilesContext,
): Promise<void> {
  refuseParameters(query);
  assertNoMounts(path, mounts);
  const isGone = await files.remove(path, { by: senderOf(request), check: writeConditions(request.raw) });
  if (!isGone) throw missing(files, path, response);
  response.writeHead(204);
  response.end();
}
