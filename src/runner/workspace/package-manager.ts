import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, VelocityError } from '../../base/errors.ts';
import { BYTE_ORDER_MARK } from './manifests.ts';

export type PackageManagerName = 'npm' | 'pnpm' | 'yarn' | 'bun';

/** How a JavaScript workspace is installed; `undefined` fields where the repository does not say. */
export interface PackageManager {
  readonly name: PackageManagerName;
  /** `npm@11.2.0`, from `packageManager` in the root's package.json, else the name alone. */
  readonly label: string;
  /** Globs of the folders that are packages of the workspace. */
  readonly workspaceGlobs: readonly string[];
  /** The lockfile's name at the root, where there is one. */
  readonly lockfile: string | undefined;
}

/** Lockfiles by name, in the order in which they decide what a repository uses. */
const LOCKFILE_OF: readonly (readonly [string, PackageManagerName])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
];

/**
 * What the root says of its package manager; `undefined` where the root is no JavaScript project.
 * @param has whether a file of that name is at the root
 */
export async function detectPackageManager(
  root: string,
  has: (name: string) => boolean,
): Promise<PackageManager | undefined> {
  if (!has('package.json')) return undefined;
  const manifest = readJson(join(root, 'package.json'));
  const declared = /^(npm|pnpm|yarn|bun)@/.exec(String(manifest['packageManager'] ?? ''))?.[1];
  const found = LOCKFILE_OF.filter(([file]) => has(file));
  const pnpmWorkspace = has('pnpm-workspace.yaml');
  const name = (declared ?? (pnpmWorkspace ? 'pnpm' : found[0]?.[1]) ?? 'npm') as PackageManagerName;
  return {
    name,
    label: declared === undefined ? name : String(manifest['packageManager']).replace(/\+.*$/, ''),
    workspaceGlobs: pnpmWorkspace
      ? await pnpmGlobs(join(root, 'pnpm-workspace.yaml'))
      : manifestGlobs(manifest),
    lockfile: (found.find(([, of]) => of === name) ?? found[0])?.[0],
  };
}

/** `workspaces` is a list, or an object with `packages` (yarn, bun). */
function manifestGlobs({ workspaces }: Readonly<Record<string, unknown>>): string[] {
  const list = Array.isArray(workspaces)
    ? workspaces
    : typeof workspaces === 'object' && workspaces !== null && 'packages' in workspaces
      ? workspaces.packages
      : [];
  return Array.isArray(list) ? list.filter((glob) => typeof glob === 'string') : [];
}

async function pnpmGlobs(path: string): Promise<string[]> {
  const { parse } = await import('yaml');
  try {
    const parsed: unknown = parse(readFileSync(path, 'utf8'));
    const packages =
      typeof parsed === 'object' && parsed !== null && 'packages' in parsed ? parsed.packages : [];
    return Array.isArray(packages) ? packages.filter((glob) => typeof glob === 'string') : [];
  } catch (error) {
    throw new VelocityError('WORKSPACE_INVALID', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8').replace(BYTE_ORDER_MARK, ''));
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
    throw new Error('it holds no object');
  } catch (error) {
    throw new VelocityError('WORKSPACE_INVALID', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
