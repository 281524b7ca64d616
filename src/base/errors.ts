/**
 * The one class of expected failure and the table of its codes.
 *
 * A miss, a refusal to store and a task that exits non-zero are outcomes, so they
 * are values, not errors. `docs/reference/errors.md` is written from this table.
 */

export interface ErrorFacts {
  /** The HTTP status a door answers with, unless its protocol demands another. */
  readonly status: number;
  readonly summary: string;
  /** The call or the configuration is at fault, not what happened meanwhile: a command's exit code says so. */
  readonly isMisuse?: true;
}

export const ERRORS = {
  BAD_REQUEST: { status: 400, summary: 'The request is malformed; `field` names the part.' },
  INVALID_KEY: { status: 400, summary: 'The key is not one a store can hold.' },
  BODY_TRUNCATED: { status: 400, summary: 'The body ended before its announced length.' },
  BODY_DAMAGED: { status: 400, summary: 'The body is torn, or is not what its address takes.' },
  DIGEST_MISMATCH: { status: 400, summary: 'The bytes are not the bytes their digest announced.' },
  UNAUTHORIZED: { status: 401, summary: 'No token, or not one this server knows.' },
  FORBIDDEN: { status: 403, summary: 'The token or the signed URL does not allow this.' },
  URL_EXPIRED: { status: 403, summary: 'The signed URL is past its expiry.' },
  COMPILE_FAILED: {
    status: 400,
    summary:
      'The command of the recipe failed, or left no binary that may be kept; again it would do so again.',
  },
  NOT_FOUND: { status: 404, summary: 'There is nothing at this address.' },
  RECIPE_UNKNOWN: { status: 404, summary: 'No recipe of the build server is for this spec.' },
  METHOD_NOT_ALLOWED: { status: 405, summary: 'The address exists, the method is not for it.' },
  PATH_BUSY: {
    status: 409,
    summary:
      'Another change of the file or folder is under way; nothing was changed, and it may be tried again.',
  },
  PATH_CONFLICT: { status: 409, summary: 'A folder is where a file is meant to be, or the other way round.' },
  IMMUTABLE: { status: 409, summary: 'The store keeps what it holds: nothing in it is written again.' },
  NOT_RETAINED: { status: 410, summary: 'It was there, and what it was is not kept any longer.' },
  PRECONDITION_FAILED: { status: 412, summary: 'A condition that the request sets does not hold.' },
  ALREADY_STORED: { status: 412, summary: 'The first write won: the key holds an entry already.' },
  BODY_TOO_LARGE: { status: 413, summary: 'The body is larger than the configured limit.' },
  TARGET_TOO_LONG: { status: 414, summary: 'The address of the request is longer than the limit.' },
  UNSUPPORTED_BODY: { status: 415, summary: 'The content type is not one this address reads.' },
  RANGE_UNSATISFIABLE: { status: 416, summary: 'The range lies outside the object.' },
  EXPECTATION_FAILED: {
    status: 417,
    summary: 'The request expects something other than to be told to send its body.',
  },
  HOST_UNKNOWN: { status: 421, summary: 'No backend of the proxy is for the host of the request.' },
  RATE_LIMITED: {
    status: 429,
    summary: 'Too many requests or bytes for now; `Retry-After` says for how long.',
  },
  BUILDS_EXHAUSTED: {
    status: 429,
    summary: 'As many builds wait for their turn as may; it may be tried again.',
  },
  HEAD_TOO_LARGE: { status: 431, summary: 'The header of the request has more fields than the limit.' },
  INTERNAL: { status: 500, summary: 'A bug of ours; the log line with the same request id has more.' },
  BUILD_EMPTY: {
    status: 500,
    summary: 'The build server was done without a binary; `detail` has the end of its logs.',
  },
  NOT_ON_A_MOUNT: { status: 501, summary: 'A mounted store cannot do this; the folder itself can.' },
  CODING_UNSUPPORTED: { status: 501, summary: 'The body is sent in a transfer coding other than chunked.' },
  ORIGIN_FAILED: { status: 502, summary: 'The origin cannot be reached, or what it answers is not HTTP.' },
  POLICY_FAILED: {
    status: 502,
    summary: 'The policy did not come to a decision, and is to be obeyed (`proxy.policy.on_failure`).',
  },
  BUILD_FAILED: {
    status: 502,
    summary: 'The build server did not build it, and would not the next time; `detail` has its reason.',
  },
  BUILD_SERVER_FAILED: {
    status: 502,
    summary: 'The build server cannot be reached, or what it answers is of no use; it may be tried again.',
  },
  BUILD_OUTPUT_REFUSED: {
    status: 502,
    summary: 'What was built is not a file in the output folders that are allowed (`builds.output_folders`).',
  },
  STORAGE_FAILED: { status: 502, summary: 'The storage backend answered with an error.' },
  STORAGE_UNAVAILABLE: { status: 503, summary: 'The storage backend cannot be reached or used.' },
  AUDIT_UNAVAILABLE: { status: 503, summary: 'The audit log cannot be written, so nothing was done.' },
  JOURNAL_UNAVAILABLE: {
    status: 503,
    summary: 'The journal of files cannot be written, so nothing was done.',
  },
  ISSUER_UNAVAILABLE: { status: 503, summary: 'The keys of the issuer of a token cannot be had.' },
  BACKEND_SICK: { status: 503, summary: 'No server of the backend is well, by its probes; none was asked.' },
  BUILDS_ENDING: { status: 503, summary: 'The build server ends; the build may be asked for again.' },
  TUNNELS_EXHAUSTED: {
    status: 503,
    summary: 'As many connections are switched to other protocols as may be.',
  },
  COMPILE_TIMEOUT: {
    status: 504,
    summary: 'The build took longer than its recipe, or who asked for it, allows.',
  },
  NOT_CACHED: { status: 504, summary: 'Only a stored answer was asked for, and there is none.' },
  BANS_EXHAUSTED: {
    status: 503,
    summary: 'As many bans wait to be tested as may; nothing was banned, and it may be tried again.',
  },
  BUILD_TIMEOUT: { status: 504, summary: 'The build was not done in time.' },
  ORIGIN_TIMEOUT: { status: 504, summary: 'The origin did not answer in time.' },
  VERSION_UNSUPPORTED: { status: 505, summary: 'The request is not HTTP/1.1 or HTTP/1.0.' },
  STORAGE_FULL: { status: 507, summary: 'The storage has no room left.' },

  POLICY_INVALID: {
    status: 500,
    summary: 'The policy is no module that can be used as one.',
    isMisuse: true,
  },
  DRIVER_UNAVAILABLE: { status: 500, summary: 'The chosen storage driver cannot be used.', isMisuse: true },
  LISTEN_FAILED: { status: 500, summary: 'The address and port, or the socket, cannot be listened on.' },
  PROXY_UNREACHABLE: { status: 500, summary: 'No caching proxy answers at its admin socket.' },
  SENTRY_UNAVAILABLE: { status: 500, summary: 'Errors cannot be reported to Sentry.', isMisuse: true },
  TOKENS_INVALID: { status: 500, summary: 'The token file cannot be used.', isMisuse: true },
  WORKSPACE_INVALID: { status: 500, summary: 'The workspace cannot be read as one.', isMisuse: true },
  TLS_INVALID: { status: 500, summary: 'A certificate or its key cannot be used.', isMisuse: true },
  TASK_UNKNOWN: { status: 500, summary: 'A task or package of that name does not exist.', isMisuse: true },
  TASK_CYCLE: { status: 500, summary: 'Tasks or packages depend on each other in a circle.', isMisuse: true },
  NO_IDENTITY: { status: 500, summary: 'A job’s own token was not to be had, or is taken for nothing.' },
  USAGE: { status: 500, summary: 'The command line asks for something that cannot be.', isMisuse: true },
  ARTIFACT_REFUSED: { status: 500, summary: 'The artifact holds something that must not be restored.' },
  ARTIFACT_DAMAGED: { status: 500, summary: 'The artifact is torn or is not an artifact.' },
  OUTPUT_UNCACHEABLE: { status: 500, summary: 'A task wrote something an artifact must not hold.' },
} as const satisfies Record<string, ErrorFacts>;

export type ErrorCode = keyof typeof ERRORS;

interface VelocityErrorOptions extends ErrorOptions {
  /** The field of the request or the key of the configuration that is at fault. */
  readonly field?: string;
}

/** A failure with a stable code. Match on the code, never on the message. */
export class VelocityError extends Error {
  override readonly name = 'VelocityError';
  readonly code: ErrorCode;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: VelocityErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.field = options.field;
  }

  get status(): number {
    return this.#facts.status;
  }

  get isMisuse(): boolean {
    return this.#facts.isMisuse ?? false;
  }

  get #facts(): ErrorFacts {
    return ERRORS[this.code];
  }
}

/** Node's own `code` (`ENOENT`, `ECONNREFUSED`…) of a thrown value, if it carries one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One word for whatever was thrown that quotes nothing of it: its `code`, else the name of its class. */
export function codeOrName(error: unknown): string {
  return systemCode(error) ?? (error instanceof Error ? error.name : typeof error);
}

/** For the log: with what the system says, which clients are not told, as it names addresses and paths. */
export function whyOf({ message, cause }: VelocityError): string {
  return cause instanceof Error ? `${message} ${cause.message}` : message;
}

/** The message of whatever was thrown, for a sentence that quotes it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
