import { codeOrName, VelocityError } from '../../../base/errors.ts';

/** An answer of rclone that is not what was asked for. */
export class RcloneRefusal extends Error {
  override readonly name = 'RcloneRefusal';
  /** rclone's status: 404 for what is not there, 400 for a call that cannot be, 500 for all that backends say. */
  readonly status: number;

  /** @param said rclone's words, with whatever the backend said; they may quote a URL or an option */
  constructor(status: number, said: string) {
    super(said);
    this.status = status;
  }
}

/** rclone gave no answer, or none that is whole. */
export class RcloneUnreachable extends Error {
  override readonly name = 'RcloneUnreachable';

  constructor(cause: unknown) {
    super(`rclone cannot be reached (${codeOrName(cause)})`, { cause });
  }
}

/** What backends call a refusal, which no second try changes. Statuses are words of their own: `403 Forbidden`. */
const REFUSED =
  /\b(401|403)\b|access ?denied|forbidden|unauthori[sz]ed|permission denied|not permitted|SignatureDoesNotMatch|InvalidAccessKeyId|invalid[_ ](grant|credentials)|authentication failed|unable to authenticate|didn't find section|file name too long|not a directory|is a directory|read.only/i;
const FULL = /no space left|disk full|quota|insufficient storage|\b507\b/i;

/**
 * rclone's errors become ours, once, here; what else was thrown, by a body say, stays what it is. Its words stay in the cause, for the log: what a backend says is told to no
 * client, and secrets are taken out of it.
 */
export function toFailure(doing: string, error: unknown, secrets: readonly string[]): unknown {
  if (error instanceof RcloneUnreachable)
    return new VelocityError('STORAGE_UNAVAILABLE', `Could not ${doing}: ${error.message}.`, {
      cause: error,
    });
  if (!(error instanceof RcloneRefusal)) return error;
  const cause = new RcloneRefusal(error.status, withoutSecrets(error.message, secrets));
  if (FULL.test(error.message))
    return new VelocityError('STORAGE_FULL', `Could not ${doing}: the remote has no room left.`, { cause });
  if (REFUSED.test(error.message)) {
    const hint = 'Check its options and what its credentials allow.';
    return new VelocityError('STORAGE_FAILED', `Could not ${doing}: the remote refuses it. ${hint}`, {
      cause,
    });
  }
  const code = error.status === 400 ? 'STORAGE_FAILED' : 'STORAGE_UNAVAILABLE';
  return new VelocityError(code, `Could not ${doing}: rclone answered ${error.status}.`, { cause });
}

/** Shorter ones would take words apart, and say nothing of a secret. */
const SHORTEST_SECRET = 4;

/** The text without these, and its URLs without what may be a password or a signature. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const masked = known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return masked
    .replaceAll(/(\w+:\/\/)[^\s/"'@]*@/g, '$1***@')
    .replaceAll(/(\w+:\/\/[^\s"'?]*\?)[^\s"']*/g, '$1***');
}

export function isMissing(error: unknown): boolean {
  return error instanceof RcloneRefusal && error.status === 404;
}
