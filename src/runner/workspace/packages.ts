import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { MANIFEST_FILES, readManifest } from './manifests.ts';
import type { Package } from './package.ts';
import { compilePatterns, isGlob, normalise } from './path-patterns.ts';
import type { VisibleFile } from './visible-files.ts';

/** Name of the package that is the workspace root, where its manifest gives none. */
export const ROOT_NAME = '//';

export interface DiscoveryOptions {
  readonly root: string;
  readonly files: readonly VisibleFile[];
  /** Globs of the package manager's workspace: folders that hold a package.json. */
  readonly workspaceGlobs: readonly string[];
  /** `packages:` of velocity.yml: folders of any language. */
  readonly packageGlobs: readonly string[];
}

/**
 * The packages of a workspace, sorted by folder. The root is one of them.
 * @throws VelocityError `WORKSPACE_INVALID` for two packages of one name, a manifest that
 *   cannot be read, or a folder named in `packages:` that is not there.
 */
export async function discoverPackages(options: DiscoveryOptions): Promise<readonly Package[]> {
  const { root, files, workspaceGlobs, packageGlobs } = options;
  const folders = foldersOf(files);
  const inWorkspace = compilePatterns(workspaceGlobs, 'exact');
  const declared = compilePatterns(packageGlobs, 'exact');

  // Git tells of what it tracks, also where it was removed since.
  const exists = (folder: string, name = ''): boolean => existsSync(join(root, folder, name));
  const directories = new Set(['']);
  for (const [folder, names] of folders) {
    const inNpm = names.has('package.json') && inWorkspace(folder) && exists(folder, 'package.json');
    if (inNpm || (declared(folder) && exists(folder))) directories.add(folder);
  }
  for (const glob of packageGlobs) {
    const folder = normalise(glob);
    if (isGlob(folder) || glob.startsWith('!') || directories.has(folder)) continue;
    // A folder that is named is a package even while git sees nothing in it.
    if (!exists(folder)) {
      throw new VelocityError(
        'WORKSPACE_INVALID',
        `velocity.yml lists the package "${glob}", but there is no such folder.`,
      );
    }
    directories.add(folder);
  }

  const packages: Package[] = [];
  for (const directory of [...directories].sort()) {
    const names = folders.get(directory);
    const file = MANIFEST_FILES.find((name) => names?.has(name) && exists(directory, name));
    const manifest = await readManifest(root, directory, file);
    const fallback = directory === '' ? ROOT_NAME : basename(directory);
    packages.push({ name: manifest.name ?? fallback, directory, manifest });
  }
  assertDistinct(packages);
  return packages;
}

/**
 * The folders that `packages:` of velocity.yml names one by one, not by a glob, and in which none
 * of these files lies though something is there: git ignores it.
 */
export function unseenFolders(
  root: string,
  files: readonly VisibleFile[],
  packageGlobs: readonly string[],
): string[] {
  const named = packageGlobs.flatMap((glob) => {
    const folder = normalise(glob);
    return isGlob(folder) || glob.startsWith('!') ? [] : [folder];
  });
  if (named.length === 0) return [];
  const seen = foldersOf(files);
  return named.filter((folder) => !seen.has(folder) && holdsAnything(join(root, folder)));
}

function holdsAnything(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && readdirSync(folder).length > 0;
}

/** Folders that hold files, with the names directly in them. */
function foldersOf(files: readonly VisibleFile[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const { path } of files) {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    let names = folders.get(folder);
    if (!names) {
      names = new Set();
      folders.set(folder, names);
      // Folders that hold only folders count too: `packages: [services/*]` may mean one.
      for (let up = posix.dirname(folder); up !== '.' && !folders.has(up); up = posix.dirname(up))
        folders.set(up, new Set());
    }
    names.add(path.slice(slash + 1));
  }
  return folders;
}

function assertDistinct(packages: readonly Package[]): void {
  const byName = new Map<string, Package>();
  for (const each of packages) {
    const other = byName.get(each.name);
    if (other) {
      throw new VelocityError(
        'WORKSPACE_INVALID',
        `Two packages are called "${each.name}": ${other.directory || 'the root'} and ${each.directory}. Names must differ.`,
      );
    }
    byName.set(each.name, each);
  }
}
