import { buffer } from 'node:stream/consumers';
import { type ByteSpan, spanLength } from '../../../base/byte-range.ts';
import { type HeldParts, heldBytes } from '../../../http-cache/parts.ts';
import type { AnswerBodies } from './answer-bodies.ts';
import type { StoredAnswer } from './stored-answer.ts';

/**
 * Where a span of the representation is in a body of parts, which has one after the other. The span lies within one.
 */
export function spanInParts({ spans }: HeldParts, span: ByteSpan): ByteSpan {
  let at = 0;
  for (const part of spans) {
    if (part.first <= span.first && span.last <= part.last) {
      const first = at + span.first - part.first;
      return { first, last: first + spanLength(span) - 1 };
    }
    at += spanLength(part);
  }
  throw new RangeError('unreachable: the span is not held');
}

/**
 * The bytes of several responses of the same representation, put together as `both` says.
 * @returns `undefined`: they are too many, or gone meanwhile
 */
export async function spliced(
  bodies: AnswerBodies,
  answers: readonly StoredAnswer[],
  both: HeldParts,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const length = heldBytes(both);
  if (length > maxBytes) return undefined;
  const whole = Buffer.alloc(length);
  for (const { id, held } of answers) {
    const bytes = await bytesOf(bodies, id);
    if (!held || bytes?.length !== heldBytes(held)) return undefined;
    let at = 0;
    for (const span of held.spans) {
      const to = spanInParts(both, span);
      whole.set(bytes.subarray(at, at + spanLength(span)), to.first);
      at += spanLength(span);
    }
  }
  return whole;
}

async function bytesOf(bodies: AnswerBodies, id: string): Promise<Uint8Array | undefined> {
  const body = await bodies.find(id);
  if (!body) return undefined;
  try {
    return body.bytes ?? (await buffer(await body.open('whole')));
  } catch {
    return undefined;
  } finally {
    body.close();
  }
}
