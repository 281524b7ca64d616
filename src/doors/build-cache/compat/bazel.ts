/**
 * Bazel's HTTP cache: action results under `ac/`, content under `cas/`, each at `{base}/{kind}/{SHA-256}`. The base path is
 * the instance: action results are kept for each, content for all. moon speaks it too, with action results in JSON.
 * https://bazel.build/remote/caching#http-caching, https://github.com/buchgr/bazel-remote#http11-rest-api
 *
 * Write once: content is what its address says, so a second upload of it is dropped unread. Of two results of one action
 * the first stays and the second is dropped, both with 200; one whose blobs are gone is replaced.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import { type Digest, parseDigest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { answerJson } from '../../../http/json.ts';
import { peek } from '../../../http/peek.ts';
import { bodyEnd, drainRest } from '../../../http/transfer.ts';
import type { ObjectFacts, PutOutcome } from '../../../storage/store.ts';
import type { BuildCacheMetrics } from '../metrics.ts';
import type { ActionResultCheck } from '../settings.ts';
import { ActionResults, blobName, isEmptyBlob, MAX_CHECKED_BYTES } from './action-results.ts';
import type { ReceiveOptions } from './entry-uploads.ts';
import { answerEmpty, answerInWords, receiveFrom } from './key-value.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'bazel';
/** What is no digest is no address of this protocol: other doors may have it. */
const HASH = ':hash(^[0-9a-f]{64}$)';
/** Parts of a base path. Each depth is a route of its own, so that longer addresses stay free. */
const MAX_BASE_PARTS = 8;
const BASE_PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
/** Below, what is saved is less than what the coding costs. */
const ZSTD_FROM_BYTES = 4096;

export interface BazelOptions {
  readonly metrics: BuildCacheMetrics;
  readonly actionResults: ActionResultCheck;
  /** Of this server, for `/status`. */
  readonly version: string;
}

export function bazel({ metrics, actionResults, version }: BazelOptions): Protocol {
  return {
    name: NAME,

    register({ on, entries, downloads, uploads }) {
      const results = new ActionResults(entries, actionResults, () => metrics.incompleteResults.inc());

      // moon asks it of the host before anything else, and takes a refusal for a server that is none.
      on(['GET', 'HEAD'], '/status', async (_request, response) =>
        answerJson(response, 200, { status: 'enabled', version }),
      );

      for (const base of BASES) {
        on(['GET', 'HEAD'], `${base}/cas/${HASH}`, async (request, response) => {
          const digest = digestOf(request);
          if (!isEmptyBlob(digest))
            return downloads.send(request, response, blobName(digest), {
              headers: blobHeaders,
              zstdFromBytes: ZSTD_FROM_BYTES,
            });
          response.writeHead(200, ['content-type', 'application/octet-stream', 'content-length', '0']);
          response.end();
        });

        on('PUT', `${base}/cas/${HASH}`, async (request, response) => {
          assertWrites(request);
          const digest = digestOf(request);
          const outcome = isEmptyBlob(digest)
            ? await dropEmptyBlob(request)
            : await receiveFrom(request, blobName(digest), uploads, { digest, zstd: zstdOf(request) });
          await answerStored(request, response, outcome);
        });

        on(['GET', 'HEAD'], `${base}/ac/${HASH}`, (request, response) =>
          downloads.send(request, response, resultName(request), {
            admit: (found, access) => results.admit(found, access),
          }),
        );

        on('PUT', `${base}/ac/${HASH}`, async (request, response) => {
          assertWrites(request);
          const name = resultName(request);
          if (request.headers['content-encoding'] !== undefined) throw unknownCoding();
          if (actionResults === 'strict' && !results.takes(await peek(request.raw, MAX_CHECKED_BYTES + 1)))
            throw new VelocityError('BAD_REQUEST', 'The body is no ActionResult.', { field: 'body' });
          const outcome = await receiveFrom(request, name, uploads, {
            contentType: contentTypeOf(request),
            replace: await results.isWorthless(name, accessOf(request)),
          });
          await answerStored(request, response, outcome);
        });
      }
    },

    /** In one line: Bazel prints it, and gives up on a body above 10 KiB. */
    failure(problem) {
      return answerInWords(problem, problem.status);
    },
  };
}

/** Before anything of a body is looked at. */
function assertWrites(request: FastifyRequest): void {
  if (accessOf(request).writeScope === undefined) throw readsOnly();
}

/** Bazel sends every blob of every miss, and uses the connection again as soon as it has an answer. */
async function answerStored(
  request: FastifyRequest,
  response: ServerResponse,
  outcome: PutOutcome,
): Promise<void> {
  if (outcome === 'exists') await bodyEnd(request.raw);
  answerEmpty(response, 200);
}

const BASES = Array.from({ length: MAX_BASE_PARTS + 1 }, (_, parts) =>
  Array.from({ length: parts }, (_, index) => `/:${basePart(index)}`).join(''),
);

function basePart(index: number): string {
  return `base${index + 1}`;
}

function paramsOf(request: FastifyRequest): Readonly<Record<string, string>> {
  return request.params as Record<string, string>;
}

function digestOf(request: FastifyRequest): Digest {
  const digest = parseDigest(paramsOf(request)['hash'] ?? '');
  if (digest === undefined) throw new Error('unreachable: the route takes nothing else');
  return digest;
}

/** No two of them are one name: what comes last is the digest, and what comes before it the base path. */
function resultName(request: FastifyRequest): string {
  const params = paramsOf(request);
  const base = Array.from({ length: MAX_BASE_PARTS }, (_, index) => params[basePart(index)]).filter(
    (part) => part !== undefined,
  );
  if (!base.every((part) => BASE_PART.test(part)))
    throw new VelocityError('BAD_REQUEST', 'A base path is of letters, digits, ".", "_" and "-".', {
      field: 'path',
    });
  return [NAME, 'ac', ...base, digestOf(request)].join('/');
}

async function dropEmptyBlob(request: FastifyRequest): Promise<PutOutcome> {
  const isCoded = zstdOf(request) !== undefined; // in zstd nothing has some bytes
  if (!isCoded && (await peek(request.raw, 1)).length > 0)
    throw new VelocityError('DIGEST_MISMATCH', 'The body was announced as empty and is not.');
  drainRest(request.raw);
  return 'exists';
}

/** moon's results are JSON; what they are called when they are given back is nobody else's to choose. */
function contentTypeOf({ headers }: FastifyRequest): string | undefined {
  return /^application\/json\b/.test(headers['content-type'] ?? '') ? 'application/json' : undefined;
}

/** As bazel-remote has it: the length of what comes out may be told in a header. */
function zstdOf({ headers }: FastifyRequest): ReceiveOptions['zstd'] {
  const { 'content-encoding': coding = 'identity', 'x-digest-sizebytes': sizeBytes } = headers;
  if (coding === 'identity') return undefined;
  if (coding !== 'zstd') throw unknownCoding();
  if (sizeBytes !== undefined && !/^\d{1,15}$/.test(String(sizeBytes)))
    throw new VelocityError('BAD_REQUEST', 'x-digest-sizebytes must be a number of bytes.', {
      field: 'x-digest-sizebytes',
    });
  return { sizeBytes: sizeBytes === undefined ? undefined : Number(sizeBytes) };
}

function unknownCoding(): VelocityError {
  return new VelocityError('UNSUPPORTED_BODY', 'Blobs are sent as they are or in zstd, all else as it is.', {
    field: 'content-encoding',
  });
}

function blobHeaders({ sizeBytes }: ObjectFacts): string[] {
  return ['x-digest-sizebytes', String(sizeBytes), 'vary', 'accept-encoding'];
}
