/** Build tools' caches that are no more than GET and PUT of a key: one handler, and for each a table of how it is answered. */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { accessOf, CHALLENGE } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Problem } from '../../../http/problem.ts';
import type { PutOutcome } from '../../../storage/store.ts';
import { type DeletionRecord, deleteAudited } from './deletion.ts';
import type { SendOptions } from './entry-downloads.ts';
import type { EntryUploads, ReceiveOptions } from './entry-uploads.ts';
import { type Protocol, type ProtocolAnswer, readsOnly } from './protocol.ts';

/** How a protocol differs from the others. */
export interface KeyValueProtocol {
  /** In metrics, the first part of the path and of the entries' names. */
  readonly name: string;
  /** Which paths below `/{name}/` are keys, once each part of them is sound. Default: all. */
  readonly keys?: RegExp;
  /** What such a path looks like, to end "the path must be …". */
  readonly keysLookLike: string;
  /** What PUT is answered. */
  readonly put: { readonly stored: number; readonly exists: number };
  /** PUT takes the place of what the token's own scope holds. Default: the first write wins. */
  readonly replaces?: boolean;
  readonly sending?: (request: FastifyRequest) => SendOptions;
  /** The status that a failure is told by. Default: the problem's own. */
  readonly statusOf?: (problem: Problem, method: string) => number;
}

export function keyValue(options: KeyValueProtocol, record: DeletionRecord): Protocol {
  const { name, put, replaces = false, sending = () => ({}) } = options;
  return {
    name,

    register({ on, entries, downloads, uploads }) {
      const path = `/${name}/*`;
      const entryOf = (request: FastifyRequest) => entryName(request, options);

      on(['GET', 'HEAD'], path, (request, response) =>
        downloads.send(request, response, entryOf(request), { isPlain: true, ...sending(request) }),
      );

      on('PUT', path, async (request, response) => {
        const outcome = await receiveFrom(request, entryOf(request), uploads, { replace: replaces });
        answerEmpty(response, put[outcome]);
      });

      on('DELETE', path, async (request, response) => {
        await deleteAudited(request, entryOf(request), entries, record);
        answerEmpty(response, 204);
      });
    },

    failure(problem, method) {
      return answerInWords(problem, options.statusOf?.(problem, method) ?? problem.status);
    },
  };
}

/** @throws VelocityError `FORBIDDEN` before the body is read, and those of `EntryUploads.receive` */
export async function receiveFrom(
  request: FastifyRequest,
  name: string,
  uploads: EntryUploads,
  options: ReceiveOptions = {},
): Promise<PutOutcome> {
  if (accessOf(request).writeScope === undefined) throw readsOnly();
  const outcome = await uploads.receive(request, name, options);
  if (outcome === 'forbidden') throw new Error('unreachable: a token that writes was told that it may not');
  return outcome;
}

/** A failure as a line of text. Clients that send Basic only when asked for it (Maven) are asked for it. */
export function answerInWords({ detail }: Problem, status: number): ProtocolAnswer {
  return {
    status,
    contentType: 'text/plain; charset=utf-8',
    body: `${detail}\n`,
    headers: status === 401 ? CHALLENGES : [],
  };
}

/** RFC 9110 §11.6.1; two fields, as some clients read one scheme of each. */
const CHALLENGES = [
  ...['www-authenticate', CHALLENGE],
  ...['www-authenticate', 'Basic realm="velocitycache"'],
];

export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? [] : ['content-length', '0']);
  response.end();
}

const MAX_KEY_LENGTH = 512;
const PART = /^[A-Za-z0-9._@+~=,-]{1,128}$/;

/**
 * Whether a path, decoded once, may be part of an entry's name: parts of plain characters, parted by single slashes,
 * none of them `.` or `..`.
 */
export function isKeyPath(path: string): boolean {
  return (
    path.length <= MAX_KEY_LENGTH &&
    path.split('/').every((part) => PART.test(part) && part !== '.' && part !== '..')
  );
}

/** What follows `/{name}/`, with the client's own base path in it. */
export function keyPathOf(request: FastifyRequest): string {
  return (request.params as { readonly '*'?: string })['*'] ?? '';
}

function entryName(request: FastifyRequest, { name, keys, keysLookLike }: KeyValueProtocol): string {
  const path = keyPathOf(request);
  if (!isKeyPath(path) || (keys && !keys.test(path)))
    throw new VelocityError('BAD_REQUEST', `After /${name}/ the path must be ${keysLookLike}.`, {
      field: 'path',
    });
  return `${name}/${path}`;
}
