import {
  type ByteSpan,
  formatByteRange,
  parseByteRange,
  parseContentRange,
  resolveByteRange,
  spanLength,
} from '../base/byte-range.ts';
import { strongValidator } from './conditional-request.ts';
import { matchesStrongly } from './entity-tag.ts';
import { type Fields, fieldLines, fieldValue } from './fields.ts';
import type { StoredFacts } from './stored-facts.ts';

/** Which bytes of a representation are stored. */
export interface HeldParts {
  /** Of the whole; `undefined`: no response has said it. */
  readonly sizeBytes: number | undefined;
  /** In order, none touching another. */
  readonly spans: readonly ByteSpan[];
}

export type PartAnswer =
  /** 200 with all of it. */
  | { readonly kind: 'whole' }
  /** 206 with this. */
  | { readonly kind: 'part'; readonly span: ByteSpan; readonly sizeBytes: number | undefined }
  /** 416. RFC 9110 §15.5.17. */
  | { readonly kind: 'unsatisfiable'; readonly sizeBytes: number }
  /** The origin has to be asked: for the rest, with these fields, or, where they are none, as the client did. */
  | { readonly kind: 'missing'; readonly fields: Fields };

/** Of a whole body of so many bytes. */
export function heldWhole(sizeBytes: number): HeldParts {
  return { sizeBytes, spans: sizeBytes === 0 ? [] : [{ first: 0, last: sizeBytes - 1 }] };
}

/** Of a 206. `undefined` where its Content-Range is none. RFC 9110 §14.4. */
export function heldPart(fields: Fields): HeldParts | undefined {
  const range = parseContentRange(fieldValue(fields, 'content-range') ?? '');
  return range && { sizeBytes: range.sizeBytes, spans: [range.span] };
}

/** How many bytes that is, one span after the other. */
export function heldBytes({ spans }: HeldParts): number {
  return spans.reduce((sum, span) => sum + spanLength(span), 0);
}

/** Both together; `undefined` where they cannot be of the same bytes. The validators are `canCombine`'s. */
export function joined(a: HeldParts, b: HeldParts): HeldParts | undefined {
  if (a.sizeBytes !== undefined && b.sizeBytes !== undefined && a.sizeBytes !== b.sizeBytes) return undefined;
  const spans: ByteSpan[] = [];
  for (const span of [...a.spans, ...b.spans].sort((x, y) => x.first - y.first)) {
    const previous = spans.at(-1);
    if (previous && span.first <= previous.last + 1)
      spans[spans.length - 1] = { first: previous.first, last: Math.max(previous.last, span.last) };
    else spans.push(span);
  }
  return { sizeBytes: a.sizeBytes ?? b.sizeBytes, spans };
}

/** RFC 9111 §3.4: only with the same strong validator. */
export function canCombine(stored: StoredFacts, arrived: StoredFacts): boolean {
  const validator = strongValidator(stored);
  return validator !== undefined && validator === strongValidator(arrived);
}

/** Whether nothing is missing, so that it is as good as a 200. RFC 9111 §3.4. */
export function isComplete({ sizeBytes, spans }: HeldParts): boolean {
  if (sizeBytes === undefined) return false;
  if (sizeBytes === 0) return true;
  const [only, more] = spans;
  return more === undefined && only?.first === 0 && only.last === sizeBytes - 1;
}

/** How a GET is answered by what is stored and may be reused. RFC 9110 §14.2. Several ranges get the whole. */
export function answerByParts(request: Fields, stored: StoredFacts, held: HeldParts): PartAnswer {
  const asked = askedRange(request, stored);
  if (!asked)
    return isComplete(held) ? { kind: 'whole' } : { kind: 'missing', fields: restFields(stored, held) };
  const { sizeBytes } = held;
  if (sizeBytes === undefined) {
    // Only what is named from its first to its last byte can be found without the size.
    if ('lastBytes' in asked || asked.to === undefined) return MISSING;
    return partOf(held, { first: asked.from, last: asked.to });
  }
  const span = resolveByteRange(asked, sizeBytes);
  return span ? partOf(held, span) : { kind: 'unsatisfiable', sizeBytes };
}

const MISSING: PartAnswer = { kind: 'missing', fields: [] };

function partOf(held: HeldParts, span: ByteSpan): PartAnswer {
  const isHeld = held.spans.some(({ first, last }) => first <= span.first && span.last <= last);
  return isHeld ? { kind: 'part', span, sizeBytes: held.sizeBytes } : MISSING;
}

/** RFC 9110 §13.1.5: where If-Range does not hold, there is no Range. */
function askedRange(request: Fields, stored: StoredFacts): ReturnType<typeof parseByteRange> {
  const [range, another] = fieldLines(request, 'range');
  if (range === undefined || another !== undefined) return undefined;
  const condition = fieldValue(request, 'if-range')?.trim();
  if (condition !== undefined && !holdsIfRange(condition, stored)) return undefined;
  return parseByteRange(range);
}

function holdsIfRange(condition: string, stored: StoredFacts): boolean {
  if (condition.includes('"')) return stored.etag !== undefined && matchesStrongly(condition, stored.etag);
  return strongValidator({ ...stored, etag: undefined }) === condition;
}

/**
 * From the first byte that is missing to the last one, on condition that the rest is what it was. Without a strong
 * validator what came could not be put together, so the whole is asked for. RFC 9111 §3.4.
 */
function restFields(stored: StoredFacts, { sizeBytes, spans }: HeldParts): Fields {
  const validator = strongValidator(stored);
  if (validator === undefined) return [];
  const [start] = spans;
  const from = start?.first === 0 ? start.last + 1 : 0;
  const end = spans.at(-1);
  const reachesEnd = sizeBytes !== undefined && end?.last === sizeBytes - 1;
  const to = reachesEnd ? end.first - 1 : undefined;
  return ['Range', formatByteRange({ from, to }), 'If-Range', validator];
}
