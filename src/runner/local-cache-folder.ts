import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Workspace } from './workspace/workspace.ts';

/**
 * Where the local cache lies: in the workspace, or, as `shared`, in one folder for all of this
 * user's workspaces (https://specifications.freedesktop.org/basedir), or wherever it is told to.
 * @param override stronger than velocity.yml
 */
export function localCacheFolder(
  { root, config }: Workspace,
  env: NodeJS.ProcessEnv,
  override: string | undefined,
): string {
  const dir = override ?? config.cache?.dir;
  const home = env['HOME'] || homedir();
  if (dir === undefined) return join(root, '.velocity', 'cache');
  if (dir === 'shared') return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'velocity');
  return resolve(root, dir.replace(/^~(?=\/|$)/, home));
}
