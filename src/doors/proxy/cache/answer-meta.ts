import * as z from 'zod';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { ResponseHead } from '../../../http-cache/exchange.ts';
import { type Fields, withoutFields } from '../../../http-cache/fields.ts';
import { type HeldParts, heldPart, heldWhole } from '../../../http-cache/parts.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import type { StoredFacts } from '../../../http-cache/stored-facts.ts';
import type { Variant } from '../../../http-cache/variants.ts';
import type { BanCursor } from '../purge/ban-list.ts';
import { SURROGATE_KEY_FIELDS, surrogateKeys } from '../purge/surrogate-keys.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** What is written beside a body, so that its response is found again after a restart. */
export interface AnswerMeta extends ResponseHead, Pick<Variant, 'secondaryKey' | 'language'> {
  readonly uri: CacheUri;
  readonly policyKey: string;
  readonly reason: string;
  /** Of a part; else the body is the whole. */
  readonly held?: HeldParts | undefined;
  /** What a policy says instead of the response. */
  readonly overrides?: LifetimeOverrides | undefined;
}

export interface LifetimeOverrides {
  /** Seconds from when it came. */
  readonly ttl?: number | undefined;
  /** Seconds beyond, while it is validated in the background, and where that fails. */
  readonly grace?: number | undefined;
}

const wholeNumber = z.number().int().nonnegative();

const metaSchema = z.object({
  uri: z.string(),
  policyKey: z.string(),
  status: z.number().int().min(200).max(599),
  reason: z.string(),
  fields: z.array(z.string()).refine(({ length }) => length % 2 === 0),
  requestedAt: z.number(),
  receivedAt: z.number(),
  secondaryKey: z.array(z.string().nullable()),
  language: z.string().optional(),
  held: z
    .object({
      sizeBytes: wholeNumber.optional(),
      spans: z.array(z.object({ first: wholeNumber, last: wholeNumber })),
    })
    .optional(),
  overrides: z.object({ ttl: z.number().optional(), grace: z.number().optional() }).optional(),
});

/** `undefined`: it is nothing that was written. */
export function parseAnswerMeta(raw: unknown): AnswerMeta | undefined {
  const parsed = metaSchema.safeParse(raw);
  if (!parsed.success) return undefined;
  const { uri, language, held, ...rest } = parsed.data;
  return {
    ...rest,
    uri: uri as CacheUri,
    language,
    held: held && { spans: held.spans, sizeBytes: held.sizeBytes },
  };
}

/** How a response stands in the store. */
export interface Standing {
  readonly id: string;
  /** Of the body that is kept; `undefined`: it is on its way. */
  readonly bodyBytes: number | undefined;
  readonly checkedUpTo: BanCursor;
}

/** The response that metadata is of. @param said what `storedFacts` makes of it */
export function answerOf(
  meta: AnswerMeta,
  { id, bodyBytes, checkedUpTo }: Standing,
  said: StoredFacts,
  policy: CachePolicy,
): StoredAnswer {
  const { uri, policyKey, status, reason, fields, secondaryKey, language, receivedAt } = meta;
  const facts = overridden(said, meta.overrides, policy);
  const held = meta.held ?? heldBy(meta, bodyBytes);
  const tags = surrogateKeys(fields) ?? NONE;
  return {
    id,
    uri,
    policyKey,
    status,
    reason,
    fields,
    shownFields: shownFields(fields),
    secondaryKey,
    language,
    facts,
    held,
    tags,
    storedAt: receivedAt,
    checkedUpTo,
  };
}

/** A part says itself what it is of: it must never be taken for the whole. */
function heldBy({ status, fields }: AnswerMeta, bodyBytes: number | undefined): HeldParts | undefined {
  if (status === 206) return heldPart(fields);
  return bodyBytes === undefined ? undefined : heldWhole(bodyBytes);
}

const NONE: ReadonlySet<string> = new Set();

/** Said to caches, and to no client. */
export function shownFields(fields: Fields): Fields {
  return withoutFields(fields, SURROGATE_KEY_FIELDS);
}

function overridden(
  facts: StoredFacts,
  { ttl, grace }: LifetimeOverrides = {},
  { graceSeconds }: CachePolicy,
): StoredFacts {
  const { initialAgeSeconds, receivedAt, neverStale, lifetime, staleWhileRevalidateSeconds } = facts;
  const isGraced = !neverStale && lifetime.seconds === 0 && ttl !== undefined && ttl > 0;
  const timed: StoredFacts =
    ttl === undefined
      ? facts
      : {
          ...facts,
          noCache: false,
          lifetime: { seconds: ttl + initialAgeSeconds, source: 'max-age' },
          freshUntil: receivedAt + ttl * 1000,
          staleWhileRevalidateSeconds: isGraced
            ? Math.max(staleWhileRevalidateSeconds, graceSeconds)
            : staleWhileRevalidateSeconds,
        };
  if (grace === undefined) return timed;
  return {
    ...timed,
    neverStale: false,
    staleWhileRevalidateSeconds: grace,
    staleIfUnreachableSeconds: grace,
    staleIfErrorSeconds: grace,
  };
}
