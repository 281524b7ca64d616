import type { ServerResponse } from 'node:http';
import { ERRORS, type ErrorCode, systemCode, VelocityError } from '../base/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** What is told of a failure: RFC 9457 §3, with our code, the field at fault and the request's id. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly field?: string;
  readonly requestId: string;
}

/** A bug's message may hold anything, so it stays in the log; the answer says only that there was one. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known = error instanceof VelocityError ? error : fromFramework(error);
  const { code, message: detail, field } = known;
  return {
    type: `urn:velocitycache:error:${code.toLowerCase().replaceAll('_', '-')}`,
    title: ERRORS[code].summary,
    status: ERRORS[code].status,
    detail,
    code,
    ...(field === undefined ? {} : { field }),
    requestId,
  };
}

/** Answers on the raw response, for handlers that have taken it over. Does nothing once a head was sent. */
export function writeProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(problem);
  const headers = ['content-type', PROBLEM_TYPE, 'content-length', String(Buffer.byteLength(body))];
  response.writeHead(problem.status, headers);
  response.end(body);
}

/** Fastify refuses some requests by itself; its errors carry a status. */
function fromFramework(error: unknown): VelocityError {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  const cause = { cause: error };
  const code = systemCode(error);
  if (code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new VelocityError('BAD_REQUEST', 'The address is too long or is not valid percent-encoding.', {
      ...cause,
      field: 'path',
    });
  }
  switch (status) {
    case 400:
      return new VelocityError('BAD_REQUEST', 'The body is not valid JSON.', { ...cause, field: 'body' });
    case 413:
      return new VelocityError('BODY_TOO_LARGE', 'The body is larger than this address takes.', cause);
    case 415:
      return new VelocityError('UNSUPPORTED_BODY', 'Send the body as application/json.', cause);
    default:
      return new VelocityError(
        'INTERNAL',
        'The server made a mistake; its log has more under this request id.',
        cause,
      );
  }
}
