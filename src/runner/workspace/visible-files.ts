import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, VelocityError } from '../../base/errors.ts';
import { askGit } from './git.ts';
import { VELOCITY_FILE } from './velocity-file.ts';

/** A file git tracks, or would track: the files a person calls the sources. */
export interface VisibleFile {
  /** From the workspace root, with forward slashes. */
  readonly path: string;
  /** Tracked by git; else new and not ignored. Where git was not asked all files count as new. */
  readonly tracked: boolean;
}

export interface VisibleFiles {
  /** Sorted by path, each once. */
  readonly files: readonly VisibleFile[];
  /**
   * `walk-…`: git could not tell the sources, so nothing is known to be ignored. There is no git
   * repository here; or one that ignores the whole workspace, be it in a folder for temporary files.
   */
  readonly source: 'git' | 'walk-no-git' | 'walk-ignored';
}

/** Never sources, wherever they stand. */
const NEVER = new Set(['node_modules', '.git', '.velocity', '.hg', '.svn']);

/**
 * Lists the sources of a workspace: by git, or by walking where git cannot tell.
 * @throws VelocityError `WORKSPACE_INVALID` for trouble of git, a folder that cannot be read, or a name that is no text
 */
export async function listVisibleFiles(root: string, env: NodeJS.ProcessEnv): Promise<VisibleFiles> {
  const files = await gitFiles(root, '', env);
  if (files === undefined) return { files: sorted(walk(root, '')), source: 'walk-no-git' };
  if (await ignoresAll(root, files, env))
    return { files: sorted([...files, ...walk(root, '')]), source: 'walk-ignored' };
  return { files: sorted(files), source: 'git' };
}

/** With all files of folders of which git told nothing, as new ones. */
export function withFilesBelow(
  files: readonly VisibleFile[],
  root: string,
  folders: readonly string[],
): readonly VisibleFile[] {
  if (folders.length === 0) return files;
  return sorted([...files, ...folders.flatMap((folder) => walk(root, folder))]);
}

/** `undefined` where this is no git repository or there is no git. */
async function gitFiles(
  root: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<VisibleFile[] | undefined> {
  const listing = await gitListing(join(root, folder), env);
  if (listing === undefined) return undefined;
  const files: VisibleFile[] = [];
  for (const { bytes, tracked, isRepository } of parseListing(listing)) {
    if (bytes.split('/').some((part) => NEVER.has(part))) continue;
    const name = isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1');
    const path = pathOf(folder, name, tracked ? RENAME : RENAME_OR_IGNORE);
    if (isRepository) files.push(...(await nestedRepository(root, path, env)));
    else files.push({ path, tracked });
  }
  return files;
}

/**
 * A repository inside this one, be it a submodule: git names only its folder, so it is asked in turn.
 * A submodule that is not checked out holds nothing.
 */
async function nestedRepository(root: string, path: string, env: NodeJS.ProcessEnv): Promise<VisibleFile[]> {
  if (!existsSync(join(root, path, '.git'))) return [];
  return (await gitFiles(root, path, env)) ?? walk(root, path);
}

async function gitListing(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ['ls-files', '-z', '-t', '-s', '--cached', '--others', '--exclude-standard'];
  const answer = await askGit(args, folder, env);
  if (answer?.exitCode === 0) return answer.stdout.toString('latin1');
  if (answer === undefined || /not a git repository/i.test(answer.stderr)) return undefined;
  throw new VelocityError('WORKSPACE_INVALID', `git could not list the files of ${folder}: ${answer.stderr}`);
}

/**
 * `H <mode> <object> <stage>\tpath\0? path\0…`: `?` is untracked, every other tag is some state of a
 * tracked file. A repository is an untracked path with a slash at its end, or tracked with mode 160000.
 * Names are bytes to git; here each is a character, as Latin-1 has them.
 */
function* parseListing(
  listing: string,
): Iterable<{ readonly bytes: string; readonly tracked: boolean; readonly isRepository: boolean }> {
  for (const row of listing.split('\0')) {
    if (row === '') continue;
    if (row.startsWith('? ')) {
      const isRepository = row.endsWith('/');
      yield { bytes: row.slice(2, isRepository ? -1 : undefined), tracked: false, isRepository };
    } else
      yield {
        bytes: row.slice(row.indexOf('\t') + 1),
        tracked: true,
        isRepository: row.startsWith('160000', 2),
      };
  }
}

/** No file of this name is there: whether git ignores it is whether it ignores whatever is new. */
const ANY_NEW_FILE = 'velocity-any-new-file';

/**
 * Whether git, which lists these files, sees no new ones. A file that alone is ignored tells nothing, be it
 * velocity.yml; where that is listed, a repository that ignores all but what it names is one to ask.
 */
async function ignoresAll(
  root: string,
  files: readonly VisibleFile[],
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const ignores = async (folder: string, name: string): Promise<boolean> => {
    const answer = await askGit(['check-ignore', '--quiet', '--no-index', '--', `./${name}`], folder, env);
    return answer?.exitCode === 0;
  };
  if (!files.some(({ path }) => path === VELOCITY_FILE)) return ignores(root, ANY_NEW_FILE);
  const isTop = existsSync(join(root, '.git')); // no repository ignores its own top
  return !isTop && ignores(dirname(root), basename(root));
}

function walk(root: string, folder: string): VisibleFile[] {
  return entriesOf(root, folder).flatMap((entry): VisibleFile[] => {
    if (NEVER.has(entry.name.toString('latin1'))) return [];
    if (entry.isDirectory()) return walk(root, pathOf(folder, entry.name, RENAME));
    const isFile = entry.isFile() || entry.isSymbolicLink();
    return isFile ? [{ path: pathOf(folder, entry.name, RENAME), tracked: false }] : [];
  });
}

function entriesOf(root: string, folder: string) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    throw new VelocityError('WORKSPACE_INVALID', `${folder || root} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const RENAME = 'Rename it.';
const RENAME_OR_IGNORE = 'Rename it, or let git ignore it.';

/** Names are bytes to the system and texts to keys and artifacts: one that is no text would be another file there. */
function pathOf(folder: string, name: string | Buffer, advice: string): string {
  const prefix = folder === '' ? '' : `${folder}/`;
  if (typeof name === 'string') return prefix + name;
  if (isUtf8(name)) return prefix + name.toString();
  throw new VelocityError(
    'WORKSPACE_INVALID',
    `The name of ${prefix}${escaped(name)} is not valid UTF-8. ${advice}`,
  );
}

/** A path with the parts that are no text as `caf\xe9`. */
function escaped(path: Buffer): string {
  const parts = path.toString('latin1').split('/');
  return parts
    .map((part) => {
      const bytes = Buffer.from(part, 'latin1');
      if (isUtf8(bytes)) return bytes.toString();
      return part.replaceAll(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
    })
    .join('/');
}

function isAscii(bytes: string): boolean {
  return !/[\x80-\xff]/.test(bytes);
}

/**
 * By code units, so that the order is the same on every machine. Of a path that is there several times, in conflict
 * or found by git and by walking, the first counts.
 */
function sorted(files: VisibleFile[]): VisibleFile[] {
  files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return files.filter(({ path }, index) => path !== files[index - 1]?.path);
}

/** Whether git tracks a path from the workspace root. */
export function trackedPaths(files: readonly VisibleFile[]): (path: string) => boolean {
  const tracked = new Set(files.flatMap(({ path, tracked: isTracked }) => (isTracked ? [path] : [])));
  return (path) => tracked.has(path);
}
