/**
 * As much of WebDAV (RFC 4918) as sccache and OpenDAL need: files are entries, and every path that ends in a slash is a
 * collection, which is there, and whose members are told to nobody.
 * https://github.com/mozilla/sccache/blob/main/docs/Webdav.md
 */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Problem } from '../../../http/problem.ts';
import { drainRest } from '../../../http/transfer.ts';
import type { ObjectFacts } from '../../../storage/store.ts';
import { type DeletionRecord, deleteAudited } from './deletion.ts';
import { answerEmpty, answerInWords, isKeyPath, keyPathOf, receiveFrom } from './key-value.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'webdav';
const ROUTES = [`/${NAME}`, `/${NAME}/*`];
const ALLOWED = 'DELETE, GET, HEAD, MKCOL, OPTIONS, PROPFIND, PUT';

/** Write-once: PUT on a file that is there drops the body and is 204, as if it had been replaced. */
export function webdav(record: DeletionRecord): Protocol {
  return {
    name: NAME,

    register({ on, entries, downloads, uploads, accounts }) {
      for (const path of ROUTES) {
        on('OPTIONS', path, async (_request, response) => {
          response.writeHead(200, ['dav', '1', 'allow', ALLOWED, 'content-length', '0']);
          response.end();
        });

        on('PROPFIND', path, async (request, response) => {
          drainRest(request.raw, accounts.chargeOf(request)); // which properties: told are those that there are
          if (request.headers['depth'] === 'infinity') return answerXml(response, 403, FINITE_DEPTH);
          // An empty list would be a lie, on which `rclone sync` would empty the folder that it is to fill.
          if (request.headers['depth'] === '1' && isCollection(request))
            throw missing('This server lists no members: ask for files by their names.');
          const name = isCollection(request) ? undefined : fileName(request);
          const found = name === undefined ? undefined : await entries.find(accessOf(request), name);
          if (name !== undefined && !found) throw missing();
          const [href = ''] = request.url.split('?', 1);
          answerXml(response, 207, multistatus(href, found?.facts));
        });

        on('MKCOL', path, async (request, response) => {
          drainRest(request.raw, accounts.chargeOf(request));
          const access = accessOf(request);
          if (access.writeScope === undefined) throw readsOnly();
          const path = keyPathOf(request).replace(/\/$/, '');
          const isThere = path === '' || (await entries.find(access, entryName(path)));
          if (isThere) throw new VelocityError('METHOD_NOT_ALLOWED', 'There is something of this name.');
          answerEmpty(response, 201);
        });
      }

      on(['GET', 'HEAD'], `/${NAME}/*`, async (request, response) => {
        if (isCollection(request)) throw missing();
        await downloads.send(request, response, fileName(request));
      });

      on('PUT', `/${NAME}/*`, async (request, response) => {
        const outcome = await receiveFrom(request, fileName(request), uploads);
        answerEmpty(response, outcome === 'stored' ? 201 : 204);
      });

      on('DELETE', `/${NAME}/*`, async (request, response) => {
        await deleteAudited(request, fileName(request), entries, record);
        answerEmpty(response, 204);
      });
    },

    failure(problem, method) {
      const answer = answerInWords(problem, statusOf(problem, method));
      return answer.status === 405 ? { ...answer, headers: ['allow', ALLOWED] } : answer; // RFC 9110 §15.5.6
    },
  };
}

/**
 * sccache does not start where its first read fails in any way but 404, for a limit that is reached too: OpenDAL has no
 * word for 429. Where its first write fails, it only reads.
 */
function statusOf({ status }: Problem, method: string): number {
  return (status >= 500 || status === 429) && READS.has(method) ? 404 : status;
}

const READS = new Set(['GET', 'HEAD', 'PROPFIND']);

function isCollection(request: FastifyRequest): boolean {
  const path = keyPathOf(request);
  return path === '' || (path.endsWith('/') && isKeyPath(path.slice(0, -1)));
}

function fileName(request: FastifyRequest): string {
  return entryName(keyPathOf(request));
}

function entryName(path: string): string {
  if (!isKeyPath(path))
    throw new VelocityError(
      'BAD_REQUEST',
      'A name must be of letters, digits and . _ @ + ~ = , - in parts of at most 128, parted by slashes.',
      { field: 'path' },
    );
  return `${NAME}/${path}`;
}

function missing(detail = 'There is no file of this name.'): VelocityError {
  return new VelocityError('NOT_FOUND', detail);
}

function answerXml(response: ServerResponse, status: number, xml: string): void {
  const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?>\n${xml}\n`);
  response.writeHead(status, [
    ...['content-type', 'application/xml; charset=utf-8'],
    ...['content-length', String(body.length)],
  ]);
  response.end(body);
}

/** RFC 4918 §9.1.1 */
const FINITE_DEPTH = '<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>';

/**
 * RFC 4918 §14.16, of one resource: a file, or without facts a collection. With one `propstat` that is 200: OpenDAL reads
 * no more, and takes nothing without `getlastmodified` and `resourcetype`.
 */
export function multistatus(href: string, facts: ObjectFacts | undefined): string {
  const properties = facts
    ? [
        `<D:getlastmodified>${new Date(facts.modifiedAt).toUTCString()}</D:getlastmodified>`,
        `<D:getcontentlength>${facts.sizeBytes}</D:getcontentlength>`,
        `<D:getetag>${escapeXml(`"${facts.etag}"`)}</D:getetag>`,
        '<D:resourcetype/>',
      ]
    : [
        // Collections are made by nobody; one time is as good as another, but it must not change.
        `<D:getlastmodified>${new Date(0).toUTCString()}</D:getlastmodified>`,
        '<D:resourcetype><D:collection/></D:resourcetype>',
      ];
  return [
    '<D:multistatus xmlns:D="DAV:"><D:response>',
    `<D:href>${escapeXml(href)}</D:href>`,
    `<D:propstat><D:prop>${properties.join('')}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>`,
    '</D:response></D:multistatus>',
  ].join('');
}

/** XML 1.0 §2.4 */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
