import type { Mistake } from '../../config/mistake.ts';
import { maskPrivateKeys } from '../signatures/signing-key.ts';

/** A private key that is written out, or something else in its place; a `${VARIABLE}` gives nothing away. */
const WRITTEN_OUT = /\bprivate_key["']?:\s*["']?(?!\$\{)[^\s"'#,}]/;

/**
 * Mistakes of a velocity.yml that quote no private key. The lines around a mistake are shown; where a private key
 * stands in the file, the place alone is told.
 */
export function withoutPrivateKeys(text: string, mistakes: readonly Mistake[]): Mistake[] {
  const isShown = maskPrivateKeys(text) === text && !WRITTEN_OUT.test(text);
  return mistakes.map(({ position, ...rest }) => {
    const told = { ...rest, message: maskPrivateKeys(rest.message) };
    if (position === undefined) return told;
    const { file, line, column } = position;
    return isShown ? { ...told, position } : { ...told, source: `${file}:${line}:${column}` };
  });
}
