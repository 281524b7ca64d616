/**
 * What clients of Azure's block blobs ask and are answered, as far as those of build caches go.
 * https://learn.microsoft.com/rest/api/storageservices/operations-on-block-blobs
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { ErrorCode } from '../../../base/errors.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Problem } from '../../../http/problem.ts';
import { boundedBody } from '../../../http/transfer.ts';
import { MAX_BLOCK_LIST_BYTES, parseBlockId, parseBlockList } from './block-list.ts';
import type { ProtocolAnswer } from './protocol.ts';

/** Azure takes 4,000 MiB; clients of build caches send 4 to 100. */
export const MAX_BLOCK_BYTES = 256 * 1024 * 1024;

/** What a PUT sends: all of a blob, a block of it, or the list that makes it one. */
export type BlobWrite =
  | { readonly kind: 'whole' }
  | { readonly kind: 'block'; readonly id: string }
  | { readonly kind: 'list' };

export function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

/** @throws VelocityError `BAD_REQUEST` for what is no write of a block blob */
export function blobWriteOf({ headers }: IncomingMessage, query: URLSearchParams): BlobWrite {
  const [operation, type = 'BlockBlob'] = [query.get('comp'), headers['x-ms-blob-type']];
  if (type !== 'BlockBlob')
    throw new VelocityError('BAD_REQUEST', 'Only block blobs are kept here.', { field: 'x-ms-blob-type' });
  switch (operation) {
    case null:
      return { kind: 'whole' };
    case 'block':
      return { kind: 'block', id: parseBlockId(query.get('blockid') ?? '') };
    case 'blocklist':
      return { kind: 'list' };
    default:
      throw new VelocityError('BAD_REQUEST', 'comp must be "block" or "blocklist".', { field: 'comp' });
  }
}

/** @throws VelocityError `BAD_REQUEST`, `BODY_TOO_LARGE` */
export async function readBlockList(request: IncomingMessage): Promise<string[]> {
  return parseBlockList((await buffer(boundedBody(request, MAX_BLOCK_LIST_BYTES))).toString('utf8'));
}

/** On every answer; a client in Go fails without the id. */
export function nameAnswer(response: ServerResponse, requestId: string): void {
  response.setHeader('x-ms-request-id', requestId);
  response.setHeader('x-ms-version', '2020-10-02');
}

export function answerCreated(response: ServerResponse): void {
  response.writeHead(201, ['content-length', '0']);
  response.end();
}

const CODES: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: 'AuthenticationFailed',
  FORBIDDEN: 'AuthorizationPermissionMismatch',
  URL_EXPIRED: 'AuthenticationFailed',
  NOT_FOUND: 'BlobNotFound',
  ALREADY_STORED: 'BlobAlreadyExists',
  BODY_TOO_LARGE: 'RequestBodyTooLarge',
  RANGE_UNSATISFIABLE: 'InvalidRange',
  RATE_LIMITED: 'ServerBusy',
};

/**
 * As Azure says it. Trouble of ours is 502: the SDK would try 500 and 503 again for half a minute, and the storage
 * has been tried more than once already.
 */
export function azureFailure({ status, code, detail }: Problem): ProtocolAnswer {
  const name = CODES[code] ?? (status >= 500 ? 'InternalError' : 'InvalidInput');
  const message = detail.replace(/[<>&]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${name}</Code><Message>${message}</Message></Error>`;
  return {
    status: status >= 500 ? 502 : code === 'ALREADY_STORED' ? 409 : status,
    contentType: 'application/xml',
    body,
  };
}
