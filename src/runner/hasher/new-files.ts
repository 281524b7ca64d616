import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { askGit } from '../workspace/git.ts';
import type { VisibleFile } from '../workspace/visible-files.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { NEVER_ENTERED, walkFiles } from './walk-files.ts';

/**
 * Sees files that appear among the sources while tasks run. Folders are read again, which is cheap;
 * git is asked only about names that were not there before and no output pattern means.
 */
export class NewFiles {
  readonly #workspace: Pick<Workspace, 'root' | 'files' | 'filesFrom'>;
  readonly #env: NodeJS.ProcessEnv;
  /** Files, and the folders above them. */
  readonly #known = new Set<string>();
  /** Names that git was asked about and ignores. */
  readonly #ignored = new Set<string>();

  constructor(workspace: Pick<Workspace, 'root' | 'files' | 'filesFrom'>, env: NodeJS.ProcessEnv) {
    this.#workspace = workspace;
    this.#env = env;
    for (const { path } of workspace.files) {
      this.#known.add(path);
      for (const folder of foldersAbove(path)) this.#known.add(folder);
    }
  }

  /**
   * What is new directly in these folders, or in new folders there.
   * @param folders from the workspace root
   * @param isOutput what may appear at any time, by its path from the root
   */
  async in(folders: Iterable<string>, isOutput: (path: string) => boolean): Promise<VisibleFile[]> {
    const strangers: string[] = [];
    for (const folder of folders) {
      for (const { name } of this.#entriesOf(folder)) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (NEVER_ENTERED.has(name) || this.#known.has(path) || this.#ignored.has(path)) continue;
        if (!isOutput(path)) strangers.push(path);
      }
    }
    if (strangers.length === 0) return [];
    const { root, filesFrom } = this.#workspace;
    const found =
      filesFrom === 'git'
        ? await visibleAmong(root, strangers, this.#env)
        : strangers.flatMap((path) => walkFiles(root, path));
    for (const stranger of strangers)
      if (!found.some((path) => path === stranger || path.startsWith(`${stranger}/`)))
        this.#ignored.add(stranger);
    return found.filter((path) => !isOutput(path)).map((path) => ({ path, tracked: false }));
  }

  #entriesOf(folder: string): Dirent[] {
    try {
      return readdirSync(join(this.#workspace.root, folder), { withFileTypes: true });
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []; // its files are missed by name
      throw error;
    }
  }
}

/** `a/b/c` → `a/b`, `a`, ``. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    folders.push(path.slice(0, slash));
  return [...folders, ''];
}

/** The untracked files at or below these paths that git does not ignore; all of them where git fails now. */
async function visibleAmong(
  root: string,
  paths: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const literal = paths.map((path) => `:(literal)${path}`);
  const args = ['ls-files', '-z', '--others', '--exclude-standard', '--', ...literal];
  const answer = await askGit(args, root, env).catch(() => undefined);
  if (answer?.exitCode !== 0) return paths.flatMap((path) => walkFiles(root, path));
  return answer.stdout.toString().split('\0').filter(Boolean);
}
