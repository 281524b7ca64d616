/**
 * Turborepo's remote cache, version 8 of its API, which every turbo speaks.
 * https://turborepo.dev/docs/core-concepts/remote-caching#remote-cache-api
 */
import type { FastifyRequest } from 'fastify';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import { accessOf } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import { inParallel } from '../../../base/in-parallel.ts';
import { answerJson, readJson } from '../../../http/json.ts';
import type { ObjectFacts } from '../../../storage/store.ts';
import { isCommit } from '../../../wire/provenance.ts';
import { requestsIn } from '../cost.ts';
import type { BuildCacheMetrics } from '../metrics.ts';
import { type Protocol, readsOnly } from './protocol.ts';

const NAME = 'turborepo';
const HASH = /^[A-Za-z0-9]{1,128}$/;
/** Kept with an artifact and told again with it. All but the duration are the client's words, opaque to us. */
const KEPT_HEADERS = {
  duration: 'x-artifact-duration',
  tag: 'x-artifact-tag',
  sha: 'x-artifact-sha',
  'dirty-hash': 'x-artifact-dirty-hash',
} as const;
const MAX_KEPT_LENGTH = 600;
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A graph has some hundreds of tasks. */
const MAX_HASHES = 10_000;
const MAX_EVENTS = 10_000;
const BATCH_WIDTH = 64;
/** No task takes longer, and what is added up must stay a number. */
const MAX_DURATION_MS = 7 * 24 * 3600_000;

const PREFLIGHT = [
  ...['access-control-allow-methods', 'GET, HEAD, PUT, POST, OPTIONS'],
  ...[
    'access-control-allow-headers',
    `Authorization, Content-Type, ${Object.values(KEPT_HEADERS).join(', ')}`,
  ],
  ...['content-length', '0'],
];

export interface TurborepoOptions {
  readonly metrics: BuildCacheMetrics;
  readonly turborepoRequireTag: readonly string[];
  readonly limits?: RateLimits | undefined;
}

export function turborepo({ metrics, limits, turborepoRequireTag }: TurborepoOptions): Protocol {
  return {
    name: NAME,

    register({ on, entries, downloads, uploads }) {
      on('GET', '/v8/artifacts/status', async (_request, response) =>
        answerJson(response, 200, { status: 'enabled' }),
      );

      on(['GET', 'HEAD'], '/v8/artifacts/:hash', (request, response) =>
        downloads.send(request, response, nameOf(request), {
          headers: headersOf,
          redirects: true,
          isPlain: true,
        }),
      );

      on('PUT', '/v8/artifacts/:hash', async (request, response) => {
        const metadata = metadataOf(request);
        const { sha, tag } = metadata;
        if (tag === undefined && mustBeTagged(request, turborepoRequireTag)) throw untagged();
        const commit = sha !== undefined && isCommit(sha) ? sha : undefined;
        const outcome = await uploads.receive(request, nameOf(request), { metadata, commit });
        if (outcome === 'forbidden') throw readsOnly();
        // The first write wins, and turbo has nothing to do about it: both are well.
        answerJson(response, 202, { urls: [request.url] });
      });

      on('POST', '/v8/artifacts', async (request, response) => {
        const access = accessOf(request);
        const hashes = hashesIn(await readJson(request.raw, MAX_MESSAGE_BYTES));
        limits?.tokenCharge(access, 'requests')?.(requestsIn(hashes) - 1); // one was counted before the body was read
        const found = await inParallel(hashes, BATCH_WIDTH, async (hash) => {
          const held = await entries.find(access, entryName(hash));
          return [hash, held ? summaryOf(held.facts) : null] as const;
        });
        answerJson(response, 200, Object.fromEntries(found));
      });

      on('POST', '/v8/artifacts/events', async (request, response) => {
        for (const { source, event, duration } of eventsIn(await readJson(request.raw, MAX_MESSAGE_BYTES))) {
          metrics.clientLookups.inc({ protocol: NAME, source, event });
          if (event === 'hit') metrics.clientSavedSeconds.inc({ protocol: NAME, source }, duration / 1000);
        }
        answerJson(response, 200, {});
      });

      // Asked before each request with --preflight; without a Location that goes where it would have gone.
      on('OPTIONS', '/v8/artifacts/*', async (_request, response) => {
        response.writeHead(200, PREFLIGHT);
        response.end();
      });
      on('OPTIONS', '/v8/artifacts', async (_request, response) => {
        response.writeHead(200, PREFLIGHT);
        response.end();
      });
    },

    /** Always this form: turbo cannot read another one, and says so with every upload. */
    failure({ status, code, detail }) {
      const body = JSON.stringify({ error: { code: code.toLowerCase(), message: detail } });
      return { status, contentType: 'application/json', body };
    },
  };
}

function mustBeTagged(request: FastifyRequest, tenants: readonly string[]): boolean {
  return tenants.includes('*') || tenants.includes(accessOf(request).tenant);
}

function untagged(): VelocityError {
  return new VelocityError(
    'BAD_REQUEST',
    'Only signed artifacts are taken here: set remoteCache.signature in turbo.json, and TURBO_REMOTE_CACHE_SIGNATURE_KEY.',
    { field: KEPT_HEADERS.tag },
  );
}

function entryName(hash: string): string {
  if (!HASH.test(hash))
    throw new VelocityError('BAD_REQUEST', 'hash must be 1 to 128 letters and digits.', { field: 'hash' });
  return `${NAME}/${hash}`;
}

function nameOf(request: FastifyRequest): string {
  return entryName((request.params as { readonly hash: string }).hash);
}

function metadataOf({ headers }: FastifyRequest): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, header] of Object.entries(KEPT_HEADERS)) {
    const value = headers[header];
    if (typeof value !== 'string' || value === '') continue;
    const isRight = name === 'duration' ? /^\d{1,15}$/.test(value) : value.length <= MAX_KEPT_LENGTH;
    if (!isRight || !/^[ -~]+$/.test(value))
      throw new VelocityError('BAD_REQUEST', `${header} cannot be kept.`, { field: header });
    metadata[name] = value;
  }
  return metadata;
}

function headersOf({ metadata }: ObjectFacts): string[] {
  return Object.entries(KEPT_HEADERS).flatMap(([name, header]) => {
    const value = metadata[name];
    return value === undefined ? [] : [header, value];
  });
}

function summaryOf({ sizeBytes, metadata }: ObjectFacts) {
  const { tag, sha, 'dirty-hash': dirtyHash } = metadata;
  return { size: sizeBytes, taskDurationMs: Number(metadata['duration'] ?? 0), tag, sha, dirtyHash };
}

function hashesIn(message: unknown): string[] {
  const hashes =
    typeof message === 'object' && message !== null && 'hashes' in message ? message.hashes : undefined;
  if (
    !Array.isArray(hashes) ||
    hashes.length > MAX_HASHES ||
    !hashes.every((hash) => typeof hash === 'string')
  )
    throw new VelocityError('BAD_REQUEST', `hashes must be a list of at most ${MAX_HASHES} texts.`, {
      field: 'hashes',
    });
  return hashes;
}

interface CacheEvent {
  readonly source: 'local' | 'remote';
  readonly event: 'hit' | 'miss';
  /** Milliseconds that the task took when it ran. */
  readonly duration: number;
}

/** What is of no known form is left out: events are told in passing, and a newer turbo may tell more. */
function eventsIn(message: unknown): CacheEvent[] {
  if (!Array.isArray(message)) throw new VelocityError('BAD_REQUEST', 'The body must be a list of events.');
  return message.slice(0, MAX_EVENTS).flatMap((raw: unknown) => {
    const { source, event, duration } = (raw ?? {}) as Record<string, unknown>;
    const [from, what] = [String(source).toLowerCase(), String(event).toLowerCase()];
    if ((from !== 'local' && from !== 'remote') || (what !== 'hit' && what !== 'miss')) return [];
    const ms = typeof duration === 'number' && duration >= 0 && duration <= MAX_DURATION_MS ? duration : 0;
    return [{ source: from, event: what, duration: ms } as const];
  });
}
