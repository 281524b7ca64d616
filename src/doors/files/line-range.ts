import { refused } from './query.ts';

/** Some of a file's lines, counted from 1, both ends inclusive. */
export type LineRange =
  | { readonly first: number /** `undefined`: the file's. */; readonly last: number | undefined }
  | { readonly lastLines: number };

/** One answer holds no more. */
export const MAX_LINES = 100_000;

/**
 * `10-50`, `100` (that many first ones), `-20` (that many last ones) or `50-`.
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseLineRange(text: string): LineRange {
  const [, from, dash, to] = /^(\d{1,16})?(?:(-)(\d{1,16})?)?$/.exec(text) ?? [];
  const [first, last] = [numberOf(from), numberOf(to)];
  if (first === undefined && last === undefined) throw malformed();
  if (dash === undefined) return bounded({ first: 1, last: first });
  if (first === undefined) return bounded({ lastLines: last as number });
  if (last !== undefined && last < first) throw refused('lines', '"lines" ends before it begins.');
  return bounded({ first, last });
}

function bounded(range: LineRange): LineRange {
  const count =
    'lastLines' in range ? range.lastLines : range.last === undefined ? 0 : range.last - range.first + 1;
  if (count > MAX_LINES) throw refused('lines', `"lines" asks for more than ${MAX_LINES} lines at once.`);
  return range;
}

function numberOf(digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (value < 1 || !Number.isSafeInteger(value)) throw malformed();
  return value;
}

function malformed(): Error {
  return refused('lines', '"lines" is 10-50, 100 (the first), -20 (the last) or 50-, counted from 1.');
}
