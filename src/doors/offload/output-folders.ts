import { constants, type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { codeOrName, systemCode, VelocityError } from '../../base/errors.ts';

/** Never waits for the other end of a pipe, becomes nobody's terminal, and follows no link at the path's end. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;
/** What Linux adds to the path of an open file that was removed since. */
const REMOVED = ' (deleted)';

/**
 * Opens a file that a build server names, if it lies in one of the folders. The path is resolved and looked at before
 * anything is opened, and what was opened is looked at again: who swaps a folder for a link in between gains nothing.
 * @param folders absolute; they may be links themselves
 * @throws VelocityError `BUILD_OUTPUT_REFUSED`; `BUILD_SERVER_FAILED` where it cannot be opened
 */
export async function openOutput(path: string, folders: readonly string[]): Promise<FileHandle> {
  if (!isAbsolute(path) || path.includes('\0')) throw refused(path, 'is no absolute path');
  const roots = await realFolders(folders);
  const resolved = await realpath(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  assertWithin(path, resolved, roots);
  const file = await open(resolved, FLAGS).catch((error: unknown) => {
    // ELOOP: a link has come where there was none.
    throw systemCode(error) === 'ELOOP' ? refused(path, 'was swapped for a link') : unreadable(path, error);
  });
  try {
    if (!(await file.stat()).isFile()) throw refused(path, 'is not a regular file');
    assertWithin(path, await pathOfOpen(path, resolved, file), roots);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where the open file lies in truth. */
async function pathOfOpen(path: string, resolved: string, file: FileHandle): Promise<string> {
  const { dev, ino, nlink } = await file.stat({ bigint: true });
  const known = await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  if (known !== undefined)
    return nlink === 0n && known.endsWith(REMOVED) ? known.slice(0, -REMOVED.length) : known;
  // Without /proc: what is there now, resolved anew, must be the very file that is open.
  const again = await realpath(resolved);
  const there = await stat(again, { bigint: true });
  if (there.dev !== dev || there.ino !== ino) throw refused(path, 'was swapped while it was opened');
  return again;
}

/** Those that are there: nothing lies in one that is not. */
async function realFolders(folders: readonly string[]): Promise<readonly string[]> {
  const resolved = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
  return resolved.filter((folder) => folder !== undefined);
}

function assertWithin(path: string, resolved: string, roots: readonly string[]): void {
  const isWithin = roots.some((root) => resolved.startsWith(root.endsWith(sep) ? root : root + sep));
  if (!isWithin) throw refused(path, 'lies, links resolved, outside of the output folders that are allowed');
}

function refused(path: string, why: string): VelocityError {
  const what = `What the build server names ${why}; see builds.output_folders.`;
  return new VelocityError('BUILD_OUTPUT_REFUSED', what, { field: 'path', cause: named(path) });
}

function unreadable(path: string, error: unknown): VelocityError {
  const what = `The binary that the build server names cannot be opened (${codeOrName(error)}). Do both see the same disk, and may this process read it?`;
  return new VelocityError('BUILD_SERVER_FAILED', what, { cause: named(path) });
}

/** For the log: clients are not told where things lie. */
function named(path: string): Error {
  return new Error(`It names ${JSON.stringify(path)}.`);
}
