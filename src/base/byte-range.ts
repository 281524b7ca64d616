/** A request for part of an object, before its size is known. RFC 9110 §14.1.2. */
export type ByteRange =
  | { readonly from: number; readonly to: number | undefined }
  | { readonly lastBytes: number };

/** Part of an object whose size is known; both ends inclusive. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

/** Which part of an object an answer holds. RFC 9110 §14.4. */
export interface ContentRange {
  readonly span: ByteSpan;
  /** Of the whole object; `undefined`: the sender does not know it. */
  readonly sizeBytes: number | undefined;
}

/**
 * One `bytes` range. `undefined` for anything else, several ranges included: a server
 * may ignore a Range it does not understand and answer with the whole (RFC 9110 §14.2).
 */
export function parseByteRange(header: string): ByteRange | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header);
  if (!match) return undefined;
  const [from, to] = [toOffset(match[1]), toOffset(match[2])];
  if (from === 'unsafe' || to === 'unsafe') return undefined;
  if (from === undefined) return to === undefined ? undefined : { lastBytes: to };
  if (to !== undefined && to < from) return undefined; // RFC 9110 §14.1.1: invalid, so ignored
  return { from, to };
}

/** Where the range lies in an object of `size` bytes; `undefined` is 416. RFC 9110 §14.1.2. */
export function resolveByteRange(range: ByteRange, size: number): ByteSpan | undefined {
  if ('lastBytes' in range) {
    if (range.lastBytes === 0 || size === 0) return undefined;
    return { first: Math.max(0, size - range.lastBytes), last: size - 1 };
  }
  if (range.from >= size) return undefined;
  return { first: range.from, last: Math.min(range.to ?? size - 1, size - 1) };
}

/** The range as the header that asks for it. */
export function formatByteRange(range: ByteRange): string {
  return 'lastBytes' in range ? `bytes=-${range.lastBytes}` : `bytes=${range.from}-${range.to ?? ''}`;
}

/**
 * The Content-Range of a part: `bytes 0-9/1000`. `undefined` for anything else: what says that no byte was in the range,
 * and what is invalid, as a last byte before the first or beyond the end. RFC 9110 §14.4.
 */
export function parseContentRange(header: string): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(?:(\d+)|\*)$/i.exec(header);
  if (!match) return undefined;
  const [first, last, sizeBytes] = [toOffset(match[1]), toOffset(match[2]), toOffset(match[3])];
  if (typeof first !== 'number' || typeof last !== 'number' || sizeBytes === 'unsafe') return undefined;
  if (last < first || (sizeBytes !== undefined && sizeBytes <= last)) return undefined;
  return { span: { first, last }, sizeBytes };
}

export function spanLength(span: ByteSpan): number {
  return span.last - span.first + 1;
}

function toOffset(digits: string | undefined): number | undefined | 'unsafe' {
  if (!digits) return undefined;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : 'unsafe';
}
