/**
 * Block blobs as Azure keeps them, for clients that store a cache entry as one: lage, backfill. The account is called
 * `azure`, and the token is the signature of the SAS:
 *
 *     BlobEndpoint=https://cache.example/azure;SharedAccessSignature=sig=<token>
 *
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
 *
 * The first write wins, and a client that comes second is told that it stored: there is nothing for it to do about it.
 * Only one that asked for a blob of its own (`If-None-Match: *`) is told 409. A blob's name says nothing of its bytes.
 */
import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import type { UploadPlace } from '../../../auth/upload-url.ts';
import { digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { announcedLength } from '../../../http/transfer.ts';
import { unhurried } from '../../../http/unhurried.ts';
import type { PutOutcome } from '../../../storage/store.ts';
import {
  answerCreated,
  azureFailure,
  blobWriteOf,
  MAX_BLOCK_BYTES,
  nameAnswer,
  queryOf,
  readBlockList,
} from './azure-blob-requests.ts';
import type { BlockUploads } from './block-uploads.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'azure-blobs';
const PATH = '/azure/:container/:blob';
/** https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
const CONTAINER = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;
const BLOB = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9_-])?$/;

export function azureBlobs({ uploads: blocks }: { readonly uploads: BlockUploads }): Protocol {
  return {
    name: NAME,

    tokenOf: (request) => queryOf(request.raw).get('sig') ?? undefined,

    register({ on, downloads, uploads }) {
      on(['GET', 'HEAD'], PATH, async (request, response) => {
        nameAnswer(response, request.id);
        const range = request.headers['x-ms-range'];
        if (typeof range === 'string') request.headers.range = range; // it goes before the standard one
        await downloads.send(request, response, nameOf(request), {
          headers: () => ['x-ms-blob-type', 'BlockBlob'],
        });
      });

      on('PUT', PATH, async (request, response) => {
        nameAnswer(response, request.id);
        const { raw } = request;
        const name = nameOf(request);
        const write = blobWriteOf(raw, queryOf(raw));
        if (write.kind === 'whole') {
          assertTaken(await uploads.receive(request, name), request);
          return answerCreated(response);
        }
        const place = placeOf(request, name);
        if (write.kind === 'block') {
          await blocks.stage(place, write.id, uploads.partOf(request, MAX_BLOCK_BYTES), announcedLength(raw));
          return answerCreated(response);
        }
        const list = await blocks.list(place, await readBlockList(raw));
        const { sizeBytes } = list;
        const keep = () =>
          uploads.keep(accessOf(request), name, () => blocks.open(list), {
            sizeBytes,
            chargedBytes: sizeBytes,
          });
        const outcome = await unhurried(raw, keep);
        await blocks.remove(list);
        assertTaken(outcome, request);
        answerCreated(response);
      });
    },

    /** A look-up that fails is a miss: the SDK would try for half a minute, and the client then build all the same. */
    failure(problem, method) {
      const isMiss = method !== 'PUT' && problem.status >= 500;
      return azureFailure(isMiss ? { ...problem, status: 404, code: 'NOT_FOUND' } : problem);
    },
  };
}

function nameOf(request: FastifyRequest): string {
  const { container, blob } = request.params as { readonly container: string; readonly blob: string };
  if (!CONTAINER.test(container))
    throw new VelocityError('BAD_REQUEST', 'This is no name of a container.', { field: 'container' });
  if (!BLOB.test(blob))
    throw new VelocityError(
      'BAD_REQUEST',
      'A blob is called by 1 to 200 letters, digits, ".", "_" and "-".',
      {
        field: 'blob',
      },
    );
  return `${NAME}/${container}/${blob}`;
}

/** Azure has one set of uncommitted blocks for each blob; here each token has one. */
function placeOf(request: FastifyRequest, name: string): UploadPlace {
  const { id, tenant, writeScope } = accessOf(request);
  if (writeScope === undefined) throw readsOnly();
  return { tenant, scope: writeScope, entry: digestOf(name), id: digestOf(id).slice(0, 32) };
}

function assertTaken(outcome: PutOutcome | 'forbidden', { headers }: FastifyRequest): void {
  if (outcome === 'forbidden') throw readsOnly();
  if (outcome === 'exists' && headers['if-none-match'] === '*')
    throw new VelocityError('ALREADY_STORED', 'This blob is stored already; the first write won.');
}
