import { S3ServiceException } from '@aws-sdk/client-s3';
import { codeOrName, VelocityError } from '../../../base/errors.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed */
const SIGNATURE_TOLERANCE_MS = 15 * 60_000;

/** The status S3 answered with; `undefined` where there was no answer of S3's. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

export function isNoSuchBucket(error: unknown): boolean {
  return error instanceof S3ServiceException && error.name === 'NoSuchBucket';
}

/**
 * S3's errors become ours, once, here. They name the status and S3's code. The SDK's own messages stay in the cause:
 * they may quote the answer, a path of this machine or a role's name, and ours is told to clients.
 */
export function toFailure(doing: string, cause: unknown): unknown {
  if (cause instanceof VelocityError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') return cause;
  const status = statusOf(cause) ?? unreadStatusOf(cause);
  if (status === undefined) return withoutAnswer(doing, cause);
  const hint = status === 403 || status === 401 ? ` ${hintForRefusal(cause)}` : '';
  const code = status >= 500 || status === 429 ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED';
  return new VelocityError(code, `Could not ${doing}: S3 answered ${status}${nameIn(cause)}.${hint}`, {
    cause,
  });
}

/** A reply to HEAD has no body to name a reason in; the SDK calls that one Unknown. */
function nameIn(error: unknown): string {
  return error instanceof S3ServiceException && error.name !== 'Unknown' ? ` ${error.name}` : '';
}

/** Of an answer that the SDK could not read: a proxy's page, say. */
function unreadStatusOf(error: unknown): number | undefined {
  if (isServiceFault(error) || !(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  return httpStatusCode;
}

function withoutAnswer(doing: string, cause: unknown): VelocityError {
  const what = codeOrName(cause);
  const why =
    what === 'CredentialsProviderError' || isServiceFault(cause)
      ? `AWS gave no credentials (${what}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached.`
      : `S3 cannot be reached (${what}).`;
  return new VelocityError('STORAGE_UNAVAILABLE', `Could not ${doing}: ${why}`, { cause });
}

/** What a service of AWS refused: where it is not S3, the one that credentials come from. */
function isServiceFault(error: unknown): boolean {
  return error instanceof Error && '$fault' in error;
}

/** A wrong clock is refused with the status of wrong credentials; only the reply's own time tells them apart. */
function hintForRefusal(error: unknown): string {
  const repliedAt =
    error instanceof S3ServiceException ? Date.parse(error.$response?.headers['date'] ?? '') : Number.NaN;
  const aheadMs = Date.now() - repliedAt;
  if (!(Math.abs(aheadMs) >= SIGNATURE_TOLERANCE_MS)) {
    return 'Check the credentials and that they allow this on the bucket.';
  }
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const direction = aheadMs > 0 ? 'ahead of' : 'behind';
  return `This machine’s clock is ${minutes} minutes ${direction} the storage’s, and signatures allow 15: set it right.`;
}
