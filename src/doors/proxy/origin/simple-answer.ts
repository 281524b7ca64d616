import { TOKEN } from '../../../base/field-syntax.ts';
import { ownText } from '../../../base/own-text.ts';
import { remembered } from '../../../base/remembered.ts';
import type { Fields } from '../../../http-cache/fields.ts';

/**
 * The one kind of answer that is understood without Node's parser: its head in one piece, plain ASCII, with nothing in it
 * but a length or chunks that could say where it ends, on a connection that is kept.
 */
export interface SimpleAnswer {
  readonly status: number;
  readonly reason: string;
  /** As they were sent: name, value, name, value. */
  readonly fields: Fields;
  /** Bytes of the body; of chunks nobody knows before they have come. RFC 9112 §6.3. */
  readonly length: number | 'chunked';
  /** Where the body begins in the piece. */
  readonly bodyAt: number;
  /** Seconds for which the origin keeps the connection, where it says so (`Keep-Alive: timeout=…`). */
  readonly keptSeconds: number | undefined;
}

export interface SimpleAnswerLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
}

const EMPTY_LINE = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.1 ([2-5]\d\d) ([ -~]*)\r\n/;
/** RFC 9112 §5: no folded line, no bare CR or LF; no blanks around it, and plain ASCII. */
const VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** A head that may be held by each of its fields that is kept: what all of them take. */
const LARGEST_HELD = 1024;
const END_OF_LINE = '\r\n';
/** Of as many digits as any number has exactly. */
const LENGTH = /^\d{1,15}$/;

/**
 * The beginning of an answer to GET or HEAD. Everything that is not simple is `undefined`, which is no judgement: Node's
 * parser makes that.
 * @param piece what came first, as a whole
 */
export function simpleAnswerIn(
  piece: Buffer,
  method: 'GET' | 'HEAD',
  { maxHeadBytes, maxFields }: SimpleAnswerLimits,
): SimpleAnswer | undefined {
  const headEnd = piece.indexOf(EMPTY_LINE, 0, 'latin1');
  const bodyAt = headEnd + EMPTY_LINE.length;
  if (headEnd === -1 || bodyAt > maxHeadBytes) return undefined;
  const text = piece.toString('latin1', 0, bodyAt);
  const line = STATUS_LINE.exec(text);
  if (line === null) return undefined;
  const [{ length: fieldsAt }, digits = '', reason = ''] = line;
  const said = readFields(text, fieldsAt);
  if (said === undefined || said.fields.length / 2 > maxFields) return undefined;
  const status = Number(digits);
  const length = lengthOf(said, status, method);
  if (length === undefined) return undefined;
  return { status, reason, fields: said.fields, length, bodyAt, keptSeconds: said.keptSeconds };
}

interface SaidFields {
  readonly fields: string[];
  length: string | undefined;
  isChunked: boolean;
  keptSeconds: number | undefined;
}

/** @param text of a head, with its empty line */
function readFields(text: string, fieldsAt: number): SaidFields | undefined {
  const said: SaidFields = { fields: [], length: undefined, isChunked: false, keptSeconds: undefined };
  const end = text.length - END_OF_LINE.length;
  for (let at = fieldsAt; at < end; ) {
    const lineEnd = text.indexOf(END_OF_LINE, at);
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon > lineEnd) return undefined;
    const name = nameIn(text.slice(at, colon));
    const written = text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1, lineEnd);
    const value = text.length > LARGEST_HELD ? ownText(written) : written;
    if (name === '' || !VALUE.test(value) || !heeds(said, name.toLowerCase(), value)) return undefined;
    said.fields.push(name, value);
    at = lineEnd + END_OF_LINE.length;
  }
  return said;
}

/** A name, with no blank before the colon, the same text each time it comes; empty where it is none. */
const nameIn = remembered((text) => (TOKEN.test(text) ? text : ''));

/** What a field says of the connection and of the body's end. @returns `false`: it is more than is simple */
function heeds(said: SaidFields, name: string, value: string): boolean {
  switch (name) {
    case 'content-length':
      if (said.length !== undefined || !LENGTH.test(value)) return false;
      said.length = value;
      return true;
    case 'transfer-encoding':
      if (said.isChunked || value.toLowerCase() !== 'chunked') return false;
      said.isChunked = true;
      return true;
    case 'keep-alive':
      said.keptSeconds = keptSeconds(value);
      return true;
    case 'connection':
      return value.toLowerCase() === 'keep-alive';
    case 'proxy-connection':
    case 'trailer':
    case 'upgrade':
      return false;
  }
  return true;
}

/** For how long a connection is kept by whoever says `Keep-Alive: timeout=5`. */
export function keptSeconds(keepAlive: string): number | undefined {
  const seconds = /^timeout=(\d{1,9})/.exec(keepAlive)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** RFC 9112 §6.3. A 304 and what answers a HEAD have the length of a body that does not come. */
function lengthOf(
  { length, isChunked }: SaidFields,
  status: number,
  method: 'GET' | 'HEAD',
): number | 'chunked' | undefined {
  if (isChunked)
    return length === undefined && method === 'GET' && status !== 304 && status !== 204
      ? 'chunked'
      : undefined;
  if (status === 204) return undefined; // it may have no length (RFC 9110 §8.6), not even of 0
  if (method === 'HEAD' || status === 304) return 0;
  return length === undefined ? undefined : Number(length);
}
