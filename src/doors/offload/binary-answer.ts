import { type ByteSpan, parseByteRange, resolveByteRange } from '../../base/byte-range.ts';
import { VelocityError } from '../../base/errors.ts';
import { preconditions } from '../../http/preconditions.ts';
import type { FileBody, InterceptedAnswer, InterceptedRequest } from '../../http/response-interceptor.ts';
import { representationHead } from '../../http/transfer.ts';
import { endToEnd } from '../../http-cache/end-to-end.ts';
import { type Fields, withoutFields } from '../../http-cache/fields.ts';
import type { Binary } from './binary.ts';

/** Asks for a build; any value but an empty one does. */
export const BUILD_FIELD = 'x-velox-build';

/** These speak of the build request that they came with, and not of the binary. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set([
  BUILD_FIELD,
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
]);

/**
 * A binary as an answer, by the request's conditions and its Range. Takes the binary over.
 * @param origin fields of the response that asked for it, of which the client gets what is meant for it
 * @returns `undefined`: it is damaged where the answer would begin
 * @throws VelocityError `PRECONDITION_FAILED`
 */
export async function binaryAnswer(
  request: InterceptedRequest,
  binary: Binary,
  origin: Fields,
): Promise<InterceptedAnswer | undefined> {
  try {
    return await answerOf(request, binary, withoutFields(endToEnd(origin), OF_THE_REQUEST));
  } catch (error) {
    binary.close();
    throw error;
  }
}

async function answerOf(
  { method, headers }: InterceptedRequest,
  binary: Binary,
  kept: Fields,
): Promise<InterceptedAnswer | undefined> {
  const { sizeBytes, builtAt } = binary;
  const current = { etag: etagOf(binary), modifiedAt: builtAt };
  // Of another method the conditions are about what the origin did, and it has done it.
  const verdict = method === 'GET' ? preconditions(method, headers, current) : 'whole';
  if (verdict === 'failed')
    throw new VelocityError('PRECONDITION_FAILED', 'The binary is not as the request says it must be.');
  if (verdict === 'not-modified') {
    const { headers: described } = representationHead({
      ...current,
      sizeBytes,
      contentType: undefined,
      span: 'whole',
    });
    return closed(binary, 304, [
      ...kept,
      ...withoutFields(described, new Set(['content-length', 'content-type'])),
    ]);
  }
  const span = verdict === 'whole' ? 'whole' : spanOf(headers.range, sizeBytes);
  if (span === undefined)
    return closed(binary, 416, ['content-range', `bytes */${sizeBytes}`, 'content-length', '0']);
  const { status, headers: described } = representationHead({
    ...current,
    sizeBytes,
    contentType: undefined,
    span,
  });
  if (!(await binary.begins(span))) {
    binary.close();
    return undefined;
  }
  const body: FileBody = {
    stream: () => binary.stream(span),
    sendTo: (sink) => binary.sendTo(sink, span),
    close: () => binary.close(),
  };
  return { status, fields: [...kept, ...described], body };
}

/** `undefined` is 416. */
function spanOf(field: string | undefined, sizeBytes: number): ByteSpan | 'whole' | undefined {
  const range = parseByteRange(field ?? '');
  return range === undefined ? 'whole' : resolveByteRange(range, sizeBytes);
}

/** The key says what was built, and not how often: a rebuild of the same may have other bytes, so its time is in it. */
function etagOf({ key, builtAt }: Binary): string {
  return `${key}-${builtAt.toString(36)}`;
}

function closed(binary: Binary, status: number, fields: Fields): InterceptedAnswer {
  binary.close();
  return { status, fields, body: undefined };
}
