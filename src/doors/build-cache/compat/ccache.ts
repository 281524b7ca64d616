/**
 * ccache's HTTP storage below `/ccache`, in each of its layouts: `subdirs`, `flat` and `bazel`.
 * https://ccache.dev/manual/4.7.5.html#_http_storage_backend
 *
 * Write once: of two results under one key the first stays and the second is dropped, with 200. A manifest, which lists
 * what was included when each result was made, grows: in the scope that a token writes, the newer one takes its place.
 */
import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import { peek } from '../../../http/peek.ts';
import type { Entries } from '../entries.ts';
import { parseCcacheKey } from './ccache-key.ts';
import { type DeletionRecord, deleteAudited } from './deletion.ts';
import { answerEmpty, answerInWords, receiveFrom } from './key-value.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'ccache';
const PATHS = [`/${NAME}/:key`, `/${NAME}/:folder/:rest`];
/** How the file of an entry begins: magic, version of the format, type. ccache, src/core/CacheEntry.hpp. */
const MANIFEST_HEAD = /^ccac..01/;
const HEAD_BYTES = 4;
/** Says in an entry's metadata what it is, so that no result is ever taken for one. */
const MANIFEST = { 'ccache-type': 'manifest' };

export function ccache(record: DeletionRecord): Protocol {
  return {
    name: NAME,

    register({ on, entries, downloads, uploads }) {
      for (const path of PATHS) {
        on(['GET', 'HEAD'], path, (request, response) =>
          downloads.send(request, response, entryName(request)),
        );

        on('PUT', path, async (request, response) => {
          if (accessOf(request).writeScope === undefined) throw readsOnly();
          const name = entryName(request);
          const head = await peek(request.raw, HEAD_BYTES);
          const isManifest = MANIFEST_HEAD.test(head.toString('hex'));
          await receiveFrom(request, name, uploads, {
            replace: isManifest && (await holdsManifest(entries, request, name)),
            metadata: isManifest ? MANIFEST : {},
          });
          answerEmpty(response, 200);
        });

        on('DELETE', path, async (request, response) => {
          await deleteAudited(request, entryName(request), entries, record);
          answerEmpty(response, 204);
        });
      }
    },

    /** ccache looks at the status alone, and takes every failure to read for a miss. */
    failure(problem) {
      return answerInWords(problem, problem.status);
    },
  };
}

function entryName(request: FastifyRequest): string {
  const { key, folder, rest } = request.params as { key?: string; folder?: string; rest?: string };
  const parsed = parseCcacheKey(
    key ?? (folder === 'ac' && rest?.length === 64 ? rest : twoAnd(folder, rest)),
  );
  if (parsed === undefined)
    throw new VelocityError('BAD_REQUEST', 'This is no key of ccache.', { field: 'key' });
  return `${NAME}/${parsed}`;
}

function twoAnd(folder = '', rest = ''): string {
  return folder.length === 2 ? folder + rest : '';
}

/** In the scope that the token writes; what others hold stays theirs. */
async function holdsManifest(entries: Entries, request: FastifyRequest, name: string): Promise<boolean> {
  const access = accessOf(request);
  const held = await entries.find(access, name);
  return held !== undefined && held.scope === access.writeScope && 'ccache-type' in held.facts.metadata;
}
