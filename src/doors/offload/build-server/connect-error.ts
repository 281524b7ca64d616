import type { ErrorCode } from '../../../base/errors.ts';

/** Codes of the Connect protocol that this server uses, and their HTTP statuses. */
const STATUS = {
  invalid_argument: 400,
  failed_precondition: 400,
  unauthenticated: 401,
  not_found: 404,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 504,
} as const;

export type ConnectCode = keyof typeof STATUS;

/** Only those with a code of their own; all else is `internal`. */
const CODES: Partial<Readonly<Record<ErrorCode, ConnectCode>>> = {
  BAD_REQUEST: 'invalid_argument',
  UNSUPPORTED_BODY: 'unimplemented',
  CODING_UNSUPPORTED: 'unimplemented',
  BODY_TOO_LARGE: 'resource_exhausted',
  BODY_TRUNCATED: 'invalid_argument',
  UNAUTHORIZED: 'unauthenticated',
  RECIPE_UNKNOWN: 'not_found',
  // Not to be tried again before somebody has changed something; a server error would be, by many a client.
  COMPILE_FAILED: 'failed_precondition',
  COMPILE_TIMEOUT: 'deadline_exceeded',
  BUILDS_EXHAUSTED: 'resource_exhausted',
  BUILDS_ENDING: 'unavailable',
  STORAGE_FULL: 'resource_exhausted',
  STORAGE_UNAVAILABLE: 'unavailable',
};

export function connectCodeOf(code: ErrorCode): ConnectCode {
  return CODES[code] ?? 'internal';
}

/** A message that is no JSON at all is refused by its status alone: Connect, "Unary-Request". */
export function connectStatusOf(code: ErrorCode): number {
  return code === 'UNSUPPORTED_BODY' ? 415 : STATUS[connectCodeOf(code)];
}
