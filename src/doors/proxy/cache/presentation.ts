import { type ByteSpan, spanLength } from '../../../base/byte-range.ts';
import { isNotModified, notModifiedFields } from '../../../http-cache/client-condition.ts';
import { type Fields, hasField, withField, withoutFields } from '../../../http-cache/fields.ts';
import { answerByParts, isComplete } from '../../../http-cache/parts.ts';
import type { RequestHead } from '../../../http-cache/request-facts.ts';
import { currentAge } from '../../../http-cache/stored-facts.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** How a stored response answers a request. */
export type Presentation =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly reason: string;
      readonly fields: Fields;
      /** Of the representation; `none`: the head is all. */
      readonly body: ByteSpan | 'whole' | 'none';
    }
  /** The origin has to be asked: for the rest, with these fields, or, where they are none, as the client did. */
  | { readonly kind: 'missing'; readonly fields: Fields };

const OF_A_PART: ReadonlySet<string> = new Set(['content-range', 'content-length']);

/** @param now milliseconds since the epoch */
export function present(request: RequestHead, stored: StoredAnswer, now: number): Presentation {
  const { status, reason, facts, held } = stored;
  const fields = withField(stored.shownFields, 'Age', String(currentAge(facts, now)));
  if (isNotModified(request.fields, facts))
    return {
      kind: 'answer',
      status: 304,
      reason: 'Not Modified',
      fields: notModifiedFields(fields),
      body: 'none',
    };
  if (!held) return whole(request, { status, reason, fields });
  const isRangeable = request.method === 'GET' && (status === 200 || status === 206);
  // A HEAD of what is held in part, and what has no ranges.
  const answer = isRangeable
    ? answerByParts(request.fields, facts, held)
    : isComplete(held)
      ? ({ kind: 'whole' } as const)
      : ({ kind: 'missing', fields: [] } as const);
  switch (answer.kind) {
    case 'missing':
      return answer;
    case 'whole': {
      const { sizeBytes = 0 } = held;
      const isOfParts = status === 206;
      const sized =
        isOfParts || !hasField(fields, 'content-length')
          ? [...withoutFields(fields, OF_A_PART), 'Content-Length', String(sizeBytes)]
          : fields;
      const head = { status: isOfParts ? 200 : status, reason: isOfParts ? 'OK' : reason };
      return whole(request, { ...head, fields: status === 204 ? fields : sized });
    }
    case 'part': {
      const { span, sizeBytes = '*' } = answer;
      const range = `bytes ${span.first}-${span.last}/${sizeBytes}`;
      const length = String(spanLength(span));
      const own = [...withoutFields(fields, OF_A_PART), 'Content-Range', range, 'Content-Length', length];
      return { kind: 'answer', status: 206, reason: 'Partial Content', fields: own, body: span };
    }
    case 'unsatisfiable': {
      const own = ['Content-Range', `bytes */${answer.sizeBytes}`, 'Content-Length', '0'];
      return { kind: 'answer', status: 416, reason: 'Range Not Satisfiable', fields: own, body: 'none' };
    }
  }
}

function whole(
  { method }: RequestHead,
  head: { readonly status: number; readonly reason: string; readonly fields: Fields },
): Presentation {
  const isEmpty = method === 'HEAD' || head.status === 204;
  return { kind: 'answer', ...head, body: isEmpty ? 'none' : 'whole' };
}
