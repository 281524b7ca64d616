import { VelocityError } from '../base/errors.ts';

declare const filePathBrand: unique symbol;

/**
 * Where a file or folder lies below the root: segments with `/` between them, none of them empty, `.` or `..`. The root
 * itself is the empty path.
 */
export type FilePath = string & { readonly [filePathBrand]: true };

export const ROOT = '' as FilePath;

/** Holds what the server keeps beside the files; nobody reads or writes it by a path. */
export const STATE_FOLDER = '.velocity';

/** What a presigned URL of a file names as its bucket; no store has this name. */
export const FILES_BUCKET = 'files';

/** Of Linux: NAME_MAX, and PATH_MAX less what the root may take. */
const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 3072;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * A path of an address, decoded once. One slash at the end is left out: it says that a folder is meant.
 * @throws VelocityError `BAD_REQUEST` for what could lead anywhere else, or is nothing's name on a disk
 */
export function parseFilePath(written: string): FilePath {
  const path = written.endsWith('/') ? written.slice(0, -1) : written;
  if (path === '') return ROOT;
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw refused(`is longer than ${MAX_PATH_BYTES} bytes`);
  if (CONTROL.test(path)) throw refused('has a control character');
  if (path.includes('\\')) throw refused('has a backslash');
  if (path.includes('\ufffd') || !path.isWellFormed()) throw refused('is not UTF-8');
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '') throw refused('has an empty segment');
    if (segment === '.' || segment === '..') throw refused(`has a segment "${segment}"`);
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
      throw refused(`has a segment of more than ${MAX_SEGMENT_BYTES} bytes`);
  }
  if (segments[0]?.toLowerCase() === STATE_FOLDER)
    throw refused(`begins with ${STATE_FOLDER}, which is the server’s own`);
  return path as FilePath;
}

/** The folder that a path lies in; of the root the root. */
export function parentOf(path: FilePath): FilePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as FilePath;
}

export function nameOf(path: FilePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** @param name one segment, or several */
export function childOf(folder: FilePath, name: string): FilePath {
  return (folder === ROOT ? name : `${folder}/${name}`) as FilePath;
}

/** Whether a path is `folder` or lies in it. */
export function isWithin(path: FilePath, folder: FilePath): boolean {
  return folder === ROOT || path === folder || path.startsWith(`${folder}/`);
}

function refused(why: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `The path ${why}.`, { field: 'path' });
}
