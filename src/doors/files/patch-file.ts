import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { readJson } from '../../http/json.ts';
import { boundedBody } from '../../http/transfer.ts';
import type { FilesContext } from './context.ts';
import type { FileAddress } from './file-address.ts';
import { answerMoved, assertLocal } from './post-file.ts';
import { refuseParameters } from './query.ts';
import { writeConditions } from './write-conditions.ts';
import { parseMove, parseUpdateRange } from './write-query.ts';

const MAX_JSON_BYTES = 64 * 1024;

/**
 * Answers a PATCH: bytes at the end of a file or over a part of it, where `X-Update-Range` says so (204); else another name
 * or place, which the body says as JSON.
 */
export async function patchFile(
  request: FastifyRequest,
  response: ServerResponse,
  { path, query }: FileAddress,
  { files, mounts, maxUploadBytes, received, senderOf }: FilesContext,
): Promise<void> {
  refuseParameters(query);
  const { raw } = request;
  const [by, check] = [senderOf(request), writeConditions(raw)];
  const field = raw.headers['x-update-range'];
  if (field === undefined) {
    const { to, overwrite } = parseMove(await readJson(raw, MAX_JSON_BYTES), path);
    assertLocal(path, to, mounts);
    return answerMoved(response, to, await files.move(path, to, { by, check, overwrite }));
  }
  const range = parseUpdateRange(String(field));
  const body = boundedBody(raw, maxUploadBytes, received(request));
  const { seq, after } = await files.patch(path, body, range.kind === 'append' ? 'append' : range, {
    by,
    check,
  });
  response.writeHead(204, ['etag', `"${after?.sha256}"`, 'x-revision', String(seq)]);
  response.end();
}
