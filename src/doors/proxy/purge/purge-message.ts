import * as z from 'zod';
import { VelocityError } from '../../../base/errors.ts';
import { checkedMessage } from '../../../http/checked-message.ts';
import { type CacheUri, cacheUri } from '../../../http-cache/cache-uri.ts';
import type { Purges } from './purges.ts';
import { isSurrogateKey } from './surrogate-keys.ts';

export const AN_OBJECT = {
  error: ({ code }: { readonly code?: string }) =>
    code === 'invalid_type' ? 'must be a JSON object' : undefined,
};

/** In one message. */
const MAX_TAGS = 256;
const TAG =
  'must be a key of printable ASCII, without spaces at its ends and not with both spaces and commas';

const text = z.string('must be a text');
const purgeMessage = z.strictObject(
  {
    url: text.optional(),
    host: text.optional(),
    path: text.optional(),
    tags: z
      .array(z.string(TAG).refine(isSurrogateKey, TAG), 'must be a list')
      .min(1, 'must hold at least one key')
      .max(MAX_TAGS, `must hold at most ${MAX_TAGS} keys`)
      .optional(),
    all: z.literal(true, 'must be true').optional(),
    soft: z.boolean('must be true or false').optional(),
  },
  AN_OBJECT,
);

/** What a message asks for. */
export interface Purge {
  readonly soft: boolean;
  /** For the audit log. */
  readonly key: string;
  readonly run: (purges: Purges) => number;
}

/** @throws VelocityError `BAD_REQUEST` */
export function readPurge(body: unknown): Purge {
  const { soft = false, url, host, path, tags, all } = checkedMessage(purgeMessage, body);
  const named = Object.entries({ url, host, tags, all }).flatMap(([name, value]) =>
    value === undefined ? [] : [`"${name}"`],
  );
  if (named.length !== 1)
    throw refused(
      'body',
      `Say what to purge by one of "url", "host" with "path", "tags" and "all"; ${named.length === 0 ? 'there is none' : `there are ${named.join(' and ')}`}.`,
    );
  if (path !== undefined && host === undefined)
    throw refused('path', '"path" goes with "host", and with nothing else.');

  const options = { soft };
  if (url !== undefined) {
    const uri = ofUrl(url);
    return { soft, key: uri, run: (purges) => purges.purge(uri, options) };
  }
  if (host !== undefined) {
    const [http, https] = ofHost(host, path);
    const run = (purges: Purges): number => purges.purge(http, options) + purges.purge(https, options);
    return { soft, key: http.slice('http:'.length), run };
  }
  if (tags !== undefined)
    return { soft, key: `tags ${tags.join(', ')}`, run: (purges) => purges.purgeTags(tags, options) };
  return { soft, key: 'all', run: (purges) => purges.purgeAll(options) };
}

const AS_SENT = 'as clients send it: with its query, %-escaped, without a fragment';

function ofUrl(url: string): CacheUri {
  const uri = /^https?:\/\//i.test(url) ? storedUri('http', '', url) : undefined;
  if (uri !== undefined) return uri;
  throw refused('url', `"url" must be an absolute URL of http or https, ${AS_SENT}.`);
}

/** Whoever names no scheme means what is there, however it is reached. */
function ofHost(host: string, path: string | undefined): readonly [http: CacheUri, https: CacheUri] {
  if (path === undefined)
    throw refused('path', 'A "host" goes with a "path"; to purge all of one, ban req.host == "…".');
  if (!path.startsWith('/')) throw refused('path', '"path" must begin with /.');
  const [http, https] = [storedUri('http', host, path), storedUri('https', host, path)];
  if (http !== undefined && https !== undefined) return [http, https];
  throw refused(
    'path',
    `"host" must be a name or address, with its port where it has one, and "path" ${AS_SENT}.`,
  );
}

/** `undefined`: nothing can be stored under it. What is not ASCII would be taken for other bytes than are meant. */
function storedUri(scheme: 'http' | 'https', host: string, target: string): CacheUri | undefined {
  return /^[!-~]*$/.test(host + target) ? cacheUri(scheme, host, target) : undefined;
}

function refused(field: string, message: string): VelocityError {
  return new VelocityError('BAD_REQUEST', message, { field });
}
