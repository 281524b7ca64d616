import { readBunLockfile } from './bun.ts';
import type { Lockfile, WorkspaceMember } from './lockfile.ts';
import { readNpmLockfile } from './npm.ts';
import { readPnpmLockfile } from './pnpm.ts';
import { readYarnBerryLockfile } from './yarn-berry.ts';
import { readYarnClassicLockfile } from './yarn-classic.ts';

/** The files that are understood, in order of preference. */
export const LOCKFILES = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
] as const;

/**
 * Reads the text of `file`, one of `LOCKFILES`. A version that is not known answers
 * `undefined` to everything; a text that is not a lockfile throws `WORKSPACE_INVALID`.
 * `workspace` is every package of the workspace, the root included, with the parsed manifests.
 */
export function readLockfile(file: string, text: string, workspace: readonly WorkspaceMember[]): Lockfile {
  switch (file) {
    case 'package-lock.json':
    case 'npm-shrinkwrap.json':
      return readNpmLockfile(file, text, workspace);
    case 'pnpm-lock.yaml':
      return readPnpmLockfile(file, text, workspace);
    case 'yarn.lock':
      return /^__metadata:/m.test(text)
        ? readYarnBerryLockfile(file, text, workspace)
        : readYarnClassicLockfile(file, text, workspace);
    case 'bun.lock':
      return readBunLockfile(file, text);
    default:
      throw new Error(`unreachable: ${file} is not a lockfile that is read`);
  }
}
