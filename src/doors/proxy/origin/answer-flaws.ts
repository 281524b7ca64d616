import { type Fields, fieldLines } from '../../../http-cache/fields.ts';

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** `1.1` */
  readonly version: string;
  readonly fields: Fields;
}

/**
 * What is wrong with the head of an answer that Node's parser takes, as words for an error. The parser itself refuses
 * two lengths, a length beside a coding, bare CR and LF, folded lines and control characters in fields.
 */
export function flawOfAnswer({ status, reason, version, fields }: AnswerHead): string | undefined {
  if (version !== '1.1' && version !== '1.0') return 'its version is neither 1.1 nor 1.0';
  if (status < 100 || status > 599) return 'its status is none';
  // Only what a reason may hold (RFC 9112 §4); Node would throw when it is passed on.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return 'its reason holds control characters';
  return flawOfFraming(status, version, fields);
}

/** Node reads a body in a coding that it does not know to the connection's end, and takes its frames for content. */
function flawOfFraming(status: number, version: string, fields: Fields): string | undefined {
  const codings = fieldLines(fields, 'transfer-encoding');
  const isBodiless = status < 200 || status === 204;
  if (isBodiless) {
    // RFC 9112 §6.1, RFC 9110 §8.6. A length of 0 is as wrong, but nobody can be misled by it.
    if (codings.length > 0) return 'an answer without a body names a transfer coding';
    if (fieldLines(fields, 'content-length').some((length) => Number(length) !== 0))
      return 'an answer without a body has a length';
  }
  if (codings.length === 0) return undefined;
  if (version === '1.0') return 'a transfer coding in HTTP/1.0';
  const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
  return isChunked ? undefined : 'its transfer coding is not chunked';
}
