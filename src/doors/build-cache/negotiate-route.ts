import * as z from 'zod';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import { accessOf } from '../../auth/require-bearer.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { parseCacheKey } from '../../base/cache-key.ts';
import { type Digest, parseDigest } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import { checkedMessage } from '../../http/checked-message.ts';
import type { HttpApp } from '../../http/listener.ts';
import { originOf } from '../../http/request-origin.ts';
import type { TrustedProxies } from '../../http/trusted-proxies.ts';
import { type ArtifactSignature, parseArtifactSignature } from '../../wire/artifact-signature.ts';
import {
  MAX_BATCH_ITEMS,
  NEGOTIATE_PATH,
  type NegotiateItem,
  type NegotiateReply,
} from '../../wire/negotiate.ts';
import { isCommit } from '../../wire/provenance.ts';
import { bytesHandedOut, requestsIn } from './cost.ts';
import type { Asker, Negotiation } from './negotiation.ts';

const HEX_DIGITS = 'must be 64 lower-case hex digits';

const COMMIT = 'must be 7 to 64 lower-case hex digits';
const SIGNATURE = 'must be 16 hex digits, a dot and the 86 letters of an Ed25519 signature';

const cacheKey = z.string(HEX_DIGITS).refine((text) => parseCacheKey(text) !== undefined, HEX_DIGITS);
const sha256 = z.string(HEX_DIGITS).refine((text) => parseDigest(text) !== undefined, HEX_DIGITS);

const signature = z.string(SIGNATURE).refine((text) => parseArtifactSignature(text) !== undefined, SIGNATURE);

const ACTIONS = ['upload', 'download', 'verify', 'replace'] as const;

const item = z.strictObject({
  hash: cacheKey.transform((text) => text as CacheKey),
  action: z.enum(ACTIONS, `must be ${ACTIONS.map((action) => `"${action}"`).join(' or ')}`),
  digest: sha256.transform((text) => text as Digest).optional(),
  size: z.int('must be a whole number of bytes').min(0, 'must not be negative').optional(),
  commit: z.string(COMMIT).refine(isCommit, COMMIT).optional(),
  signature: signature.transform((text) => text as ArtifactSignature).optional(),
});

const batch = z.strictObject({
  items: z
    .array(item, 'must be a list')
    .min(1, 'must hold at least one item')
    .max(MAX_BATCH_ITEMS, `must hold at most ${MAX_BATCH_ITEMS} items`),
});

interface NegotiateRouteOptions {
  /** How clients reach this server; without it, whatever they sent as Host. */
  readonly publicUrl: string | undefined;
  readonly maxArtifactBytes: number;
  readonly limits?: RateLimits | undefined;
  readonly proxies: TrustedProxies;
}

/** `POST /v1/negotiate`, for one item or `{ items: […] }`. */
export function registerNegotiate(
  app: HttpApp,
  negotiation: Negotiation,
  { publicUrl, maxArtifactBytes, limits, proxies }: NegotiateRouteOptions,
): void {
  app.post(NEGOTIATE_PATH, async (request) => {
    const asker: Asker = {
      access: accessOf(request),
      origin: publicUrl ?? originOf(request),
      requestId: request.id,
      address: proxies.clientOf(request.raw),
    };
    const { body } = request;
    if (typeof body === 'object' && body !== null && 'items' in body) {
      const { items } = checkedMessage(batch, body);
      const replacing = items.findIndex(({ action }) => action === 'replace');
      if (replacing >= 0) {
        const field = `items.${replacing}.action`;
        throw new VelocityError('BAD_REQUEST', `${field} must not be "replace": ask for that alone.`, {
          field,
        });
      }
      return { items: await answer(items.map(toItem), asker) };
    }
    const asked = toItem(checkedMessage(item, body));
    const [reply] = await answer([asked], asker);
    if (reply?.status === 'forbidden') throw notAllowed(asked.action);
    return reply;
  });

  async function answer(items: readonly NegotiateItem[], asker: Asker): Promise<NegotiateReply[]> {
    const { access } = asker;
    limits?.tokenCharge(access, 'requests')?.(requestsIn(items) - 1); // one was counted before the body was read
    const replies = await negotiation.answer(items, asker);
    limits?.tokenCharge(access, 'bytes')?.(bytesHandedOut(items, replies, maxArtifactBytes));
    return replies;
  }
}

/** In a batch each item has its own answer and one must not cost the others theirs; here there are no others. */
function notAllowed(action: NegotiateItem['action']): VelocityError {
  const message =
    action === 'replace'
      ? 'This token replaces nothing: that takes the right "admin" and a scope to write.'
      : 'This token has no scope to write: it reads, and uploads nothing.';
  return new VelocityError('FORBIDDEN', message, { field: 'action' });
}

function toItem({ hash, action, ...told }: z.infer<typeof item>): NegotiateItem {
  if (action === 'download' || action === 'verify') return { hash, action };
  // The URL may be used again while it opens: what it puts there must be one thing.
  if (action === 'replace' && (told.digest === undefined || told.size === undefined)) {
    const field = told.digest === undefined ? 'digest' : 'size';
    throw new VelocityError('BAD_REQUEST', `${field} must be there to replace an entry.`, { field });
  }
  return { hash, action, ...told };
}
