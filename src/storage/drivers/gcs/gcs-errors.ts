import { codeOrName, systemCode, VelocityError } from '../../../base/errors.ts';

/** An answer of GCS that is not what was asked for. */
export class GcsRefusal extends Error {
  override readonly name = 'GcsRefusal';
  readonly status: number;
  /** GCS's own word for it, such as `NoSuchBucket`, or `NotJson`; `''` where the answer has none (to a HEAD, say). */
  readonly reason: string;

  constructor(status: number, reason: string) {
    super(`GCS answered ${status}${reason === '' ? '' : ` ${reason}`}`);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * The auth library gave no token or no signature. Of its error only the kind is kept: its
 * messages may quote the credentials file, its properties hold the request with its token.
 */
export class CredentialsFailure extends Error {
  override readonly name = 'CredentialsFailure';
  /** The token endpoint or IAM could not be reached or is unwell: waiting may help, other credentials will not. */
  readonly passing: boolean;

  constructor(message: string, passing: boolean) {
    super(message);
    this.passing = passing;
  }
}

/** What the auth library threw, without what it holds. */
export function toCredentialsFailure(error: unknown): CredentialsFailure {
  if (error instanceof CredentialsFailure) return error;
  const status = authStatusOf(error);
  if (status !== undefined) {
    const passing = status >= 500 || status === 429;
    return new CredentialsFailure(`Google's credentials service answered ${status}`, passing);
  }
  const code = systemCode(error) ?? systemCode(error instanceof Error ? error.cause : undefined);
  if (code === 'ENOENT' || code === 'EACCES') {
    return new CredentialsFailure(`the credentials file cannot be read (${code})`, false);
  }
  if (error instanceof SyntaxError) return new CredentialsFailure('the credentials file is not JSON', false);
  if (code !== undefined) {
    return new CredentialsFailure(`Google's credentials service cannot be reached (${code})`, true);
  }
  return new CredentialsFailure(
    'no usable Google credentials: set GOOGLE_APPLICATION_CREDENTIALS to a credentials file, or run where a service account is attached',
    false,
  );
}

/** GCS's and the auth library's errors become ours, once, here. */
export function toFailure(doing: string, error: unknown): unknown {
  if (error instanceof VelocityError) return error;
  if (error instanceof GcsRefusal) {
    const hint =
      error.status === 401 || error.status === 403
        ? ' Check the credentials and that they allow this on the bucket.'
        : '';
    const code = error.status >= 500 || isTryLater(error.status) ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED';
    return new VelocityError(code, `Could not ${doing}: ${error.message}.${hint}`, { cause: error });
  }
  if (error instanceof CredentialsFailure) {
    const code = error.passing ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED';
    return new VelocityError(code, `Could not ${doing}: ${error.message}.`, { cause: error });
  }
  if (error instanceof Error && error.name === 'AbortError') return error;
  // Not the message, which is told to clients here and stays in the cause.
  const why = codeOrName(error);
  return new VelocityError('STORAGE_UNAVAILABLE', `Could not ${doing}: GCS cannot be reached (${why}).`, {
    cause: error,
  });
}

/** 429 is also what too many writes to one object get: about one a second is allowed. */
function isTryLater(status: number): boolean {
  return status === 408 || status === 429;
}

function authStatusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}
