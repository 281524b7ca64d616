import { type ContentRange, parseContentRange } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';

/**
 * Which part of an object a reply's Content-Range says it is; `undefined`: it has none, and is the whole.
 * @throws VelocityError `STORAGE_UNAVAILABLE`: it says nothing that can be, and would pass for the whole
 */
export function partOf(contentRange: string | undefined): ContentRange | undefined {
  if (contentRange === undefined) return undefined;
  const part = parseContentRange(contentRange);
  if (part) return part;
  throw new VelocityError(
    'STORAGE_UNAVAILABLE',
    `The storage answered with Content-Range "${contentRange}".`,
  );
}
