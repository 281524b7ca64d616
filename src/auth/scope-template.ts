import { digestOf } from '../base/digest.ts';
import { isScopeName } from '../base/scope-name.ts';
import { MAIN_SCOPE } from './access.ts';
import type { Claims } from './claims.ts';

const PLACE = /\{([^{}]*)\}/g;
const MAX_READABLE = 48;
/** Ends like a name that was made here: one that is given so may be meant to be taken for such a name. */
const LOOKS_MADE = /-[0-9a-f]{12}$/;

/** Whether claims have a part in the scope that a template gives. */
export function hasPlaces(template: string): boolean {
  return template.search(PLACE) >= 0;
}

/**
 * `pr-{ref}` with the claims of a token filled in, as a scope: other characters become `-`, and where that changed
 * anything, or several claims have a part, a piece of a digest follows, so that two texts never become one scope.
 * Claims never make the name of the scope that trusted builds write: a branch may be called `main` in a fork too.
 * @returns `undefined` where a claim that it names is missing or empty
 */
export function fillScope(template: string, claims: Claims): string | undefined {
  const filledIn: string[] = [];
  const filled = template.replaceAll(PLACE, (_, name: string) => {
    const value = Object.hasOwn(claims, name) ? (claims[name] ?? '') : '';
    filledIn.push(value);
    return value;
  });
  if (filledIn.length === 0) return template;
  if (filledIn.includes('')) return undefined;
  const isPlain = isScopeName(filled) && !LOOKS_MADE.test(filled) && filled !== MAIN_SCOPE;
  if (isPlain && filledIn.length === 1) return filled;
  const readable = filled
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_READABLE);
  return `${readable || 'x'}-${digestOf(JSON.stringify(filledIn)).slice(0, 12)}`;
}
