import { type Fields, fieldValue } from './fields.ts';
import type { CachePolicy } from './policy.ts';
import { favourite, preferences } from './preferences.ts';
import type { StoredFacts } from './stored-facts.ts';
import { type SecondaryKey, secondaryKey } from './vary.ts';

/** One of the responses that are stored under a URI. */
export interface Variant {
  readonly facts: StoredFacts;
  /** Of the request that it answered. */
  readonly secondaryKey: SecondaryKey;
  /** Where the response is in one language that was negotiated, in lower case. */
  readonly language: string | undefined;
}

/**
 * @param request the fields that the origin saw
 * @param response the fields that are stored
 */
export function variantOf(
  facts: StoredFacts,
  request: Fields,
  response: Fields,
  policy: CachePolicy,
): Variant {
  const vary = facts.vary === 'everything' ? [] : facts.vary;
  const language = fieldValue(response, 'content-language')?.trim().toLowerCase();
  return {
    facts,
    secondaryKey: secondaryKey(vary, request, policy),
    language: vary.includes('accept-language') && language?.includes(',') === false ? language : undefined,
  };
}

/**
 * The response that answers the request, of several the youngest, of those the last; `undefined`: none does. RFC 9111 §4.1.
 * @param request the fields that the origin would see
 */
export function selectVariant<V extends Variant>(
  variants: readonly V[],
  request: Fields,
  policy: CachePolicy,
): V | undefined {
  // Nearly always there is one, which varies on nothing.
  const [only, another] = variants;
  if (only?.facts.vary.length === 0 && another === undefined) return only;
  return (
    youngest(variants, (variant) => matches(variant, request, policy, false)) ??
    (policy.matchesLanguages
      ? youngest(variants, (variant) => matches(variant, request, policy, true))
      : undefined)
  );
}

function matches(
  { facts: { vary }, secondaryKey: own, language }: Variant,
  request: Fields,
  policy: CachePolicy,
  byLanguage: boolean,
): boolean {
  if (vary === 'everything') return false;
  const asked = secondaryKey(vary, request, policy);
  return vary.every((name, index) =>
    byLanguage && name === 'accept-language'
      ? language !== undefined && language === favourite(preferences(request, name))
      : asked[index] === own[index],
  );
}

function youngest<V extends Variant>(
  variants: readonly V[],
  isMatch: (variant: V) => boolean,
): V | undefined {
  let found: V | undefined;
  for (const variant of variants)
    if ((found === undefined || variant.facts.dateAt >= found.facts.dateAt) && isMatch(variant))
      found = variant;
  return found;
}
