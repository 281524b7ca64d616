import type { IncomingMessage } from 'node:http';
import { VelocityError } from '../../../base/errors.ts';
import { TOKEN } from '../../../base/field-syntax.ts';
import { type Fields, fieldLines } from '../../../http-cache/fields.ts';
import { fieldMembers } from '../../../http-cache/list-members.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';

export interface RequestLimits {
  /** Characters of the request target, as the client wrote it. */
  readonly maxTarget: number;
  /** Below 1,000, beyond which Node leaves fields out and does not say so. */
  readonly maxFields: number;
}

/** Below Node's own 16 KiB for the whole head, so that who writes too long an address hears that it was the address. */
export const REQUEST_LIMITS: RequestLimits = { maxTarget: 8 * 1024, maxFields: 200 };

/** What of a request may go on to an origin, and how its body ends. */
export interface AdmittedRequest extends RequestTarget {
  readonly method: string;
  readonly version: '1.0' | '1.1' | '2.0';
  /** As they came. */
  readonly fields: Fields;
  /** Its length, or that it comes in chunks. A length of 0 is no body. */
  readonly body: 'none' | 'chunked' | number;
  /**
   * Whether an answer may be one to a GET of the same address. Not where the request has a body: it is no part of any key,
   * and an origin may have read it ("fat GET").
   */
  readonly isCacheable: boolean;
}

type RequestHead = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'rawHeaders'>;

/** A tunnel to anywhere, and an echo of what proxies before us added. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

/**
 * Refuses what an origin might read as another request than we do. Node's parser comes first: it refuses two lengths, a
 * length beside a coding, bare CR and LF, folded lines, blanks before colons and bad chunks.
 */
export function admitRequest(head: RequestHead, limits: RequestLimits): AdmittedRequest {
  const { method = '', url = '', httpVersion, rawHeaders: fields } = head;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    throw new VelocityError('VERSION_UNSUPPORTED', 'Speak HTTP/1.1 or HTTP/1.0.');
  // In HTTP/2 nobody before us has looked at it.
  if (!TOKEN.test(method))
    throw new VelocityError('BAD_REQUEST', 'The method is no token.', { field: 'method' });
  if (REFUSED_METHODS.has(method))
    throw new VelocityError('METHOD_NOT_ALLOWED', `${method} is not passed on.`, { field: 'method' });
  if (url.length > limits.maxTarget)
    throw new VelocityError('TARGET_TOO_LONG', `An address has up to ${limits.maxTarget} characters.`);
  if (fields.length / 2 > limits.maxFields)
    throw new VelocityError('HEAD_TOO_LARGE', `A request has up to ${limits.maxFields} fields.`);
  const target = parseTarget(method, url, fieldLines(fields, 'host'));
  const body = framingOf(fields, httpVersion);
  assertExpectation(fields, httpVersion);
  const isCacheable = body === 'none' && (method === 'GET' || method === 'HEAD');
  return { method, version: httpVersion, fields, body, isCacheable, ...target };
}

function framingOf(fields: Fields, version: string): AdmittedRequest['body'] {
  const codings = fieldLines(fields, 'transfer-encoding');
  const lengths = fieldLines(fields, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) throw malformedBody('A body has a length or a transfer coding, not both.');
    // RFC 9112 §6.1: whoever relayed it has not understood it.
    if (version === '1.0') throw malformedBody('There are no transfer codings in HTTP/1.0.');
    if (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked') return 'chunked';
    throw new VelocityError('CODING_UNSUPPORTED', 'The one transfer coding that is taken is chunked.', {
      field: 'transfer-encoding',
    });
  }
  const [text] = lengths;
  if (text === undefined) return 'none';
  const length = Number(text);
  if (lengths.length > 1 || !/^\d+$/.test(text) || !Number.isSafeInteger(length))
    throw malformedBody('The Content-Length is not one number.');
  return length === 0 ? 'none' : length;
}

/** In HTTP/1.0 it means nothing. RFC 9110 §10.1.1. */
function assertExpectation(fields: Fields, version: string): void {
  const expected = fieldMembers(fields, 'expect');
  if (version === '1.0' || expected.every((one) => one.toLowerCase() === '100-continue')) return;
  throw new VelocityError('EXPECTATION_FAILED', 'The one thing to expect is 100-continue.', {
    field: 'expect',
  });
}

function malformedBody(text: string): VelocityError {
  return new VelocityError('BAD_REQUEST', text, { field: 'body' });
}
