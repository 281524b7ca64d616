import { digestOf } from '../base/digest.ts';
import { isScopeName } from './access.ts';

const MAX_READABLE = 48;
/** Ends like a name that was made here: one that is given so may be meant to be taken for such a name. */
const LOOKS_MADE = /-[0-9a-f]{12}$/;

/**
 * `pr-${ref}` with the claims of a token filled in, as a scope: other characters become `-`, and where that
 * changed anything a part of the text's digest follows, so that two texts never become one scope.
 * @returns `undefined` where a claim that it names is missing or no text
 */
export function fillScope(template: string, claims: Readonly<Record<string, unknown>>): string | undefined {
  let isComplete = true;
  const filled = template.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
    isComplete = false;
    return '';
  });
  if (!isComplete) return undefined;
  if (isScopeName(filled) && !LOOKS_MADE.test(filled)) return filled;
  const readable = filled
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, MAX_READABLE);
  return `${readable || 'x'}-${digestOf(filled).slice(0, 12)}`;
}
