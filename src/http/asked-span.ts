import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { type ByteSpan, parseByteRange, resolveByteRange } from '../base/byte-range.ts';
import { VelocityError } from '../base/errors.ts';
import { preconditions } from './preconditions.ts';
import { rangeUnsatisfiable } from './transfer.ts';

/** What there is to be sent. */
export interface Current {
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  readonly sizeBytes: number;
}

/**
 * The part that a GET or HEAD asks for, by its conditions and its Range. RFC 9110 §13.2.2.
 * @param what is sent, to begin a sentence: `The file`
 * @param fields beside a 304, flat
 * @returns `undefined`: it was answered that nothing is sent
 * @throws VelocityError `PRECONDITION_FAILED`, `RANGE_UNSATISFIABLE`
 */
export function askedSpan(
  { method = '', headers }: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders },
  response: ServerResponse,
  current: Current,
  what: string,
  fields: readonly string[] = [],
): ByteSpan | 'whole' | undefined {
  const verdict = preconditions(method, headers, current);
  if (verdict === 'failed')
    throw new VelocityError('PRECONDITION_FAILED', `${what} is not as the request says it must be.`);
  if (verdict === 'not-modified') {
    answerNotModified(response, current, fields);
    return undefined;
  }
  // RFC 9110 §14.2: a Range is for GET.
  const range = verdict === 'whole' || method !== 'GET' ? undefined : parseByteRange(headers.range ?? '');
  if (!range) return 'whole';
  const span = resolveByteRange(range, current.sizeBytes);
  if (!span) throw rangeUnsatisfiable(response, what, current.sizeBytes);
  return span;
}

/** RFC 9110 §15.4.5. */
function answerNotModified(
  response: ServerResponse,
  { etag, modifiedAt }: Current,
  fields: readonly string[],
): void {
  response.writeHead(304, [
    'etag',
    `"${etag}"`,
    'last-modified',
    new Date(modifiedAt).toUTCString(),
    ...fields,
  ]);
  response.end();
}
