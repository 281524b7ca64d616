import { ownText } from './own-text.ts';

/** Texts that are longer are not remembered: what others send must not fill the memory. */
const LONGEST_TEXT = 256;
const MOST_TEXTS = 256;

/**
 * A function of a text alone that remembers its last results, for texts that come again and again, as the fields of messages do.
 * @param of gives the same for the same text, and what it gives is never changed
 */
export function remembered<T>(of: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    if (text.length > LONGEST_TEXT) return of(text);
    const own = ownText(text);
    const result = of(own);
    // All at once: to know which was used last would cost more than to find a few again.
    if (results.size >= MOST_TEXTS) results.clear();
    results.set(own, result);
    return result;
  };
}

/** Likewise of the lines of a field: nearly always there is one, which says one of a few things, or none. */
export function rememberedLines<T>(of: (lines: readonly string[]) => T): (lines: readonly string[]) => T {
  let none: T | undefined;
  const ofLine = remembered((line) => of([line]));
  return (lines) => {
    const [only] = lines;
    if (only === undefined) {
      none ??= of(lines);
      return none;
    }
    return lines.length === 1 ? ofLine(only) : of(lines);
  };
}
