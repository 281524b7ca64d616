import { getSystemErrorMessage } from 'node:util';
import { systemCode, VelocityError } from '../../../base/errors.ts';

/**
 * The file system's errors become ours, once, here. Clients are told the words of the system and its code;
 * the path stays in the cause, which is for the log.
 */
export function toFailure(doing: string, cause: unknown): unknown {
  const code = systemCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new VelocityError('STORAGE_FULL', `Could not ${doing}: no room left on the disk.`, { cause });
  }
  if (code === undefined || !FILE_SYSTEM_TROUBLE.has(code)) return cause;
  return new VelocityError('STORAGE_UNAVAILABLE', `Could not ${doing}: ${wordsOf(cause)} (${code}).`, {
    cause,
  });
}

/** `EROFS: read-only file system, open '/srv/…'` → `read-only file system`, by its number. */
function wordsOf(cause: unknown): string {
  const number = cause instanceof Error && 'errno' in cause ? cause.errno : undefined;
  return typeof number === 'number' ? getSystemErrorMessage(number) : 'the file system refuses';
}

const FILE_SYSTEM_TROUBLE = new Set([
  'EACCES',
  'EEXIST',
  'EMFILE',
  'ENFILE',
  'EPERM',
  'EROFS',
  'EIO',
  'ENOTDIR',
  'EISDIR',
  'ENOENT',
  'ESTALE',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EXDEV',
  'ENAMETOOLONG',
]);
