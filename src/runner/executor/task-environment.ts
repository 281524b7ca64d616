import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SIGNING_KEY_VARIABLE } from '../signatures/signing-key.ts';
import type { CommandStep, Task } from '../task-graph/task.ts';

/** Set for every task to the workspace's root; a runner that finds it there was started by itself. */
export const INSIDE_VARIABLE = 'VELOCITY_WORKSPACE';

/**
 * The environment of a step: what we were given, but for the key that signs artifacts, the task's own variables, the `node_modules/.bin`
 * folders from the package up to the root, and for scripts what npm would set
 * (https://docs.npmjs.com/cli/using-npm/scripts#environment).
 */
export function taskEnvironment(
  task: Task,
  root: string,
  env: NodeJS.ProcessEnv,
): (step: CommandStep) => NodeJS.ProcessEnv {
  const { package: each, command } = task;
  const folder = join(root, each.directory);
  const { [SIGNING_KEY_VARIABLE]: _, ...inherited } = env;
  const given: NodeJS.ProcessEnv = { ...inherited, ...task.env };
  // An empty part would stand for the current folder.
  const path = [...binFolders(root, each.directory), ...(given['PATH'] ? [given['PATH']] : [])];
  const base = { ...given, PATH: path.join(delimiter), [INSIDE_VARIABLE]: root };
  return (step) => {
    if (command?.kind !== 'script') return base;
    return {
      ...base,
      npm_lifecycle_event: step.name,
      npm_lifecycle_script: step.line,
      npm_package_name: each.name,
      npm_package_version: each.manifest.version ?? '',
      npm_package_json: join(folder, 'package.json'),
      INIT_CWD: root,
    };
  };
}

/** The nearest first, as npm puts them. */
function binFolders(root: string, directory: string): string[] {
  const folders: string[] = [];
  for (let at = directory; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    const bin = join(root, at, 'node_modules', '.bin');
    if (existsSync(bin)) folders.push(bin);
    if (at === '') return folders;
  }
}
