import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { askGit } from './git.ts';

/** A file git tracks, or would track: the files a person calls the sources. */
export interface VisibleFile {
  /** From the workspace root, with forward slashes. */
  readonly path: string;
  /** Tracked by git; else new and not ignored. Without git all files count as new. */
  readonly tracked: boolean;
}

export interface VisibleFiles {
  /** Sorted by path, each once. */
  readonly files: readonly VisibleFile[];
  /** `walk`: there is no git repository here, so nothing is known to be ignored. */
  readonly source: 'git' | 'walk';
}

/** Never sources, wherever they stand. */
const NEVER = new Set(['node_modules', '.git', '.velocity', '.hg', '.svn']);

/** Lists the sources of a workspace: by git, or by walking where there is no repository. */
export async function listVisibleFiles(root: string, env: NodeJS.ProcessEnv): Promise<VisibleFiles> {
  const listing = await gitListing(root, env);
  if (listing === undefined) return { files: sorted(walk(root, '')), source: 'walk' };
  const files: VisibleFile[] = [];
  for (const { path, tracked, isRepository } of parseListing(listing)) {
    if (path.split('/').some((part) => NEVER.has(part))) continue;
    if (isRepository) files.push(...(await nestedRepository(root, path, env)));
    else files.push({ path, tracked });
  }
  return { files: sorted(files), source: 'git' };
}

/**
 * A repository inside this one, be it a submodule: git names only its folder, so it is asked in turn.
 * A submodule that is not checked out holds nothing.
 */
async function nestedRepository(root: string, path: string, env: NodeJS.ProcessEnv): Promise<VisibleFile[]> {
  if (!existsSync(join(root, path, '.git'))) return [];
  const { files } = await listVisibleFiles(join(root, path), env);
  return files.map((file) => ({ ...file, path: `${path}/${file.path}` }));
}

/** `undefined` where this is no git repository or there is no git. */
async function gitListing(root: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ['ls-files', '-z', '-t', '-s', '--cached', '--others', '--exclude-standard'];
  const answer = await askGit(args, root, env);
  if (answer?.exitCode === 0) return answer.stdout.toString();
  if (answer === undefined || /not a git repository/i.test(answer.stderr)) return undefined;
  throw new VelocityError('WORKSPACE_INVALID', `git could not list the files of ${root}: ${answer.stderr}`);
}

/**
 * `H <mode> <object> <stage>\tpath\0? path\0…`: `?` is untracked, every other tag is some state of a
 * tracked file. A repository is an untracked path with a slash at its end, or tracked with mode 160000.
 */
function* parseListing(listing: string): Iterable<VisibleFile & { readonly isRepository: boolean }> {
  for (const row of listing.split('\0')) {
    if (row === '') continue;
    if (row.startsWith('? ')) {
      const isRepository = row.endsWith('/');
      yield { path: row.slice(2, isRepository ? -1 : undefined), tracked: false, isRepository };
    } else
      yield {
        path: row.slice(row.indexOf('\t') + 1),
        tracked: true,
        isRepository: row.startsWith('160000', 2),
      };
  }
}

function walk(root: string, folder: string): VisibleFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry: Dirent): VisibleFile[] => {
    if (NEVER.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return walk(root, path);
    return entry.isFile() || entry.isSymbolicLink() ? [{ path, tracked: false }] : [];
  });
}

/** By code units, so that the order is the same on every machine; a path in conflict is listed by git several times. */
function sorted(files: VisibleFile[]): VisibleFile[] {
  files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return files.filter(({ path }, index) => path !== files[index - 1]?.path);
}

/** Whether git tracks a path from the workspace root. */
export function trackedPaths(files: readonly VisibleFile[]): (path: string) => boolean {
  const tracked = new Set(files.flatMap(({ path, tracked: isTracked }) => (isTracked ? [path] : [])));
  return (path) => tracked.has(path);
}
