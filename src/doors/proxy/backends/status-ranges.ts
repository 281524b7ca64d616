import type { Kind } from '../../../config/kinds.ts';

/** Statuses of HTTP, both ends included. */
export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** `200-299, 404`, with commas between them or as a list. */
export function statusRanges(): Kind<readonly StatusRange[]> {
  return {
    expects: 'statuses such as 200-299 or 204, with commas between them',
    schema: { type: ['string', 'integer', 'array'], items: { type: ['string', 'integer'] } },
    parse(raw) {
      const texts = Array.isArray(raw) ? raw.map(String) : String(raw).split(',');
      const ranges = texts.map((text) => {
        const [, first = '', last = first] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text.trim()) ?? [];
        return { first: Number(first), last: Number(last) };
      });
      return ranges.length > 0 && ranges.every(({ first, last }) => first > 0 && first <= last)
        ? ranges
        : undefined;
    },
    show: (ranges) =>
      ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', '),
  };
}

export function isAmong(status: number, ranges: readonly StatusRange[]): boolean {
  return ranges.some(({ first, last }) => first <= status && status <= last);
}
