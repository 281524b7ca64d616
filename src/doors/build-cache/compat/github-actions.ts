/**
 * The cache service of GitHub Actions, version 2, which `@actions/cache` and what is built on it speak:
 * `GetCacheEntryDownloadURL`, and to store `CreateCacheEntry`, an upload as to Azure, `FinalizeCacheEntryUpload`.
 * https://github.com/actions/toolkit/tree/main/packages/cache
 *
 * The first write wins: a key and version that a scope of the token holds is not reserved again. Nothing is reserved
 * for anybody, since no server knows of another's promises; of several uploads that are under way for one entry the one
 * that is finalized first is kept, and the others are told that the entry is there, as it is.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { accessOf } from '../../../auth/require-bearer.ts';
import type { UploadUrls } from '../../../auth/upload-url.ts';
import type { Clock } from '../../../base/clock.ts';
import { digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { answerJson, readJson } from '../../../http/json.ts';
import { originOf } from '../../../http/request-origin.ts';
import { unhurried } from '../../../http/unhurried.ts';
import { isDamage } from '../../../storage/body.ts';
import type { BlockUploads } from './block-uploads.ts';
import { entryName, isWireitKey, keyOf, NAME } from './github-actions-key.ts';
import { type Asked, readMessage, twirpFailure } from './github-actions-messages.ts';
import type { Protocol } from './protocol.ts';
import { uploadUrl } from './upload-routes.ts';
import type { UploadTallies } from './upload-tallies.ts';

const SERVICE = '/twirp/github.actions.results.api.v1.CacheService';
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Rows of listings that one look-up by prefix reads: 10 pages of a bucket. */
const MAX_LOOKED_AT = 10_000;
/** All parts of an upload begin while its URL opens; a large one on a slow line takes its time. */
const UPLOAD_TTL_SECONDS = 3600;
/** What the toolkit looks for to call a refusal by its name, in a warning. */
const WRITE_DENIED = 'cache write denied: this token has no scope to write; it reads, and uploads nothing.';

export interface GithubActionsOptions {
  readonly uploads: BlockUploads;
  readonly uploadUrls: UploadUrls;
  readonly tallies: UploadTallies;
  readonly clock: Clock;
  readonly publicUrl: string | undefined;
}

export function githubActions(options: GithubActionsOptions): Protocol {
  const { uploads: blocks, uploadUrls, tallies, clock, publicUrl } = options;
  return {
    name: NAME,

    register({ on, entries, downloads, uploads, accounts }) {
      on('POST', `${SERVICE}/GetCacheEntryDownloadURL`, async (request, response) => {
        const access = accessOf(request);
        const { key, version, restoreKeys } = await messageOf(request);
        const name = entryName(version, key);
        const beginnings = [key, ...restoreKeys].map((beginning) => entryName(version, beginning));
        const isWireit = isWireitKey(key);
        const held = await (isWireit ? downloads.findChecked(access, name) : entries.find(access, name));
        const found = held
          ? { key: held.key, name, sizeBytes: held.facts.sizeBytes }
          : await entries.newest(access, beginnings, MAX_LOOKED_AT);
        const url = await downloads.handOut(request, found, isWireit ? 'https' : 'any');
        answerJson(
          response,
          200,
          found && url
            ? { ok: true, signed_download_url: url, matched_key: keyOf(found.name) }
            : { ok: false },
        );
      });

      on('POST', `${SERVICE}/CreateCacheEntry`, async (request, response) => {
        const access = accessOf(request);
        const { key, version } = await messageOf(request);
        const name = entryName(version, key);
        const { tenant, writeScope: scope } = access;
        // Without a URL, rather than with an empty one: wireit would send to it.
        if (scope === undefined) return answerJson(response, 200, { ok: false, message: WRITE_DENIED });
        if (await entries.find(access, name))
          throw new VelocityError('ALREADY_STORED', 'This key is stored already; the first write won.');
        const place = { tenant, scope, entry: digestOf(name), id: randomBytes(16).toString('hex') };
        tallies.begin(place.id, access);
        const expiresAt = Math.floor(clock.now() / 1000) + UPLOAD_TTL_SECONDS;
        const url = uploadUrl(publicUrl ?? originOf(request), uploadUrls, place, expiresAt);
        if (isWireitKey(key) && !url.startsWith('https:')) throw notHttps();
        answerJson(response, 200, { ok: true, signed_upload_url: url });
      });

      on('POST', `${SERVICE}/FinalizeCacheEntryUpload`, async (request, response) => {
        const access = accessOf(request);
        const { key, version, sizeBytes } = await messageOf(request);
        const name = entryName(version, key);
        const { tenant, writeScope: scope } = access;
        if (scope === undefined) return answerJson(response, 200, { ok: false, message: WRITE_DENIED });
        const upload = await blocks.find({ tenant, scope, entry: digestOf(name) }, sizeBytes);
        const isThere = async (): Promise<boolean> => (await entries.find(access, name)) !== undefined;
        if (upload) {
          // A body of one block is known before it is read; of more nobody has measured the whole.
          const digest = upload.blocks.length === 1 ? upload.blocks[0]?.digest : undefined;
          const chargedBytes = tallies.chargedBytes(upload.id);
          const keep = () =>
            uploads
              .keep(access, name, () => blocks.open(upload), { sizeBytes, digest, chargedBytes })
              .catch(async (error) => {
                // The same call may have come twice: the first has made the entry and removed the parts.
                if (await isThere().catch(() => false)) return;
                accounts.uploaded('failed');
                // A block that is damaged would stand in the way of whoever stores the same anew.
                if (isDamage(error)) await blocks.remove(upload);
                throw error;
              });
          await unhurried(request.raw, keep);
          await blocks.remove(upload);
        } else if (!(await isThere())) {
          const message = `There is no upload of ${sizeBytes} bytes for this key.`;
          return answerJson(response, 200, { ok: false, message });
        }
        answerJson(response, 200, { ok: true, entry_id: entryId(name) });
      });
    },

    failure: twirpFailure,
  };
}

function notHttps(): VelocityError {
  return new VelocityError(
    'BAD_REQUEST',
    'Wireit sends to https alone: set VC_PUBLIC_URL, or let the proxy say X-Forwarded-Proto.',
    { field: 'x-forwarded-proto' },
  );
}

async function messageOf(request: FastifyRequest): Promise<Asked> {
  return readMessage(await readJson(request.raw, MAX_MESSAGE_BYTES));
}

/** Some number, the same for the same entry: clients print it, and send it nowhere. */
function entryId(name: string): string {
  return String(Number.parseInt(digestOf(name).slice(0, 12), 16));
}
