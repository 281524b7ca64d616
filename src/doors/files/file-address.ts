import { VelocityError } from '../../base/errors.ts';
import { type FilePath, parseFilePath } from '../../files/file-path.ts';

/** Both are the same. */
export const FILES_PREFIXES = ['/files', '/api/v1/files'] as const;

const PREFIX = /^\/(?:api\/v1\/)?files(?=[/?]|$)\/?/;

/** What a request is about. */
export interface FileAddress {
  readonly path: FilePath;
  /** What stands behind the `?`, not decoded. */
  readonly query: string;
  /** As it was sent, without the query. */
  readonly written: string;
}

/**
 * The path in the target of a request, decoded once and held against the rules of paths after that: what was hidden from
 * them by its encoding is not.
 * @throws VelocityError `BAD_REQUEST`
 */
export function fileAddress(target: string): FileAddress {
  const [written = '', ...rest] = target.split('?');
  const encoded = written.replace(PREFIX, '');
  // The router may have decoded more than this to get here.
  if (encoded === written)
    throw new VelocityError('BAD_REQUEST', 'The path does not begin with /files as it is written.');
  let decoded: string;
  try {
    decoded = decodeURIComponent(encoded);
  } catch (error) {
    throw new VelocityError('BAD_REQUEST', 'The path is not percent-encoded UTF-8.', {
      cause: error,
      field: 'path',
    });
  }
  return { path: parseFilePath(decoded), query: rest.join('?'), written };
}
