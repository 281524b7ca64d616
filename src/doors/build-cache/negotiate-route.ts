import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { accessOf } from '../../auth/require-bearer.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { parseCacheKey } from '../../base/cache-key.ts';
import { type Digest, parseDigest } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import type { HttpApp } from '../../http/listener.ts';
import { MAX_BATCH_ITEMS, NEGOTIATE_PATH, type NegotiateItem } from '../../wire/negotiate.ts';
import { isCommit } from '../../wire/provenance.ts';
import type { Negotiation } from './negotiation.ts';

const HEX_DIGITS = 'must be 64 lower-case hex digits';

const COMMIT = 'must be 7 to 64 lower-case hex digits';

const cacheKey = z.string(HEX_DIGITS).refine((text) => parseCacheKey(text) !== undefined, HEX_DIGITS);
const sha256 = z.string(HEX_DIGITS).refine((text) => parseDigest(text) !== undefined, HEX_DIGITS);

const item = z.strictObject({
  hash: cacheKey.transform((text) => text as CacheKey),
  action: z.enum(['upload', 'download', 'verify'], 'must be "upload", "download" or "verify"'),
  digest: sha256.transform((text) => text as Digest).optional(),
  size: z.int('must be a whole number of bytes').min(0, 'must not be negative').optional(),
  commit: z.string(COMMIT).refine(isCommit, COMMIT).optional(),
});

const batch = z.strictObject({
  items: z
    .array(item, 'must be a list')
    .min(1, 'must hold at least one item')
    .max(MAX_BATCH_ITEMS, `must hold at most ${MAX_BATCH_ITEMS} items`),
});

/** `POST /v1/negotiate`, for one item or `{ items: […] }`. */
export function registerNegotiate(
  app: HttpApp,
  negotiation: Negotiation,
  publicUrl: string | undefined,
): void {
  app.post(NEGOTIATE_PATH, async (request) => {
    const asker = { access: accessOf(request), origin: publicUrl ?? originOf(request) };
    const { body } = request;
    if (typeof body === 'object' && body !== null && 'items' in body) {
      const { items } = check(batch, body);
      return { items: await negotiation.answer(items.map(toItem), asker) };
    }
    const [reply] = await negotiation.answer([toItem(check(item, body))], asker);
    if (reply?.status === 'forbidden') throw notAWriter();
    return reply;
  });
}

/** In a batch each item has its own answer and one must not cost the others theirs; here there are no others. */
function notAWriter(): VelocityError {
  return new VelocityError('FORBIDDEN', 'This token has no scope to write: it reads, and uploads nothing.', {
    field: 'action',
  });
}

function toItem({ hash, action, ...told }: z.infer<typeof item>): NegotiateItem {
  return action === 'upload' ? { hash, action, ...told } : { hash, action };
}

/** The first mistake, with the field it is in, is what the client can act on. */
function check<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.') || 'body';
  const what = unknown === undefined ? (issue?.message ?? 'is not right') : 'is not a field of this message';
  throw new VelocityError('BAD_REQUEST', `${field} ${what}.`, { field });
}

/**
 * How the client reached us, for the URLs we hand back to it. A TLS-ending proxy says so in
 * X-Forwarded-Proto, the first of several in its first item; a client that lies there only gets
 * a useless URL for itself.
 */
function originOf({ headers, socket }: FastifyRequest): string {
  const [forwarded] = String(headers['x-forwarded-proto'] ?? '').split(',', 1);
  const scheme = forwarded?.trim().toLowerCase() === 'https' || 'encrypted' in socket ? 'https' : 'http';
  const host = headers.host ?? `${socket.localAddress}:${socket.localPort}`;
  if (!URL.canParse(`${scheme}://${host}`)) {
    throw new VelocityError('BAD_REQUEST', 'The Host header is not a host.', { field: 'host' });
  }
  return `${scheme}://${host}`;
}
