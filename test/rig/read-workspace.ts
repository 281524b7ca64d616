import { describeMistake } from '../../src/config/mistake.ts';
import { openWorkspace, type Workspace } from '../../src/runner/workspace/workspace.ts';
import type { TempWorkspace } from './temp-workspace.ts';

/** Git must be found, wherever it is installed. */
const PATH = { PATH: process.env['PATH'] };

/** The workspace of a repository whose velocity.yml has no mistake. */
export async function readWorkspace(
  { root }: TempWorkspace,
  env: NodeJS.ProcessEnv = {},
): Promise<Workspace> {
  const opened = await openWorkspace(root, { ...PATH, ...env });
  if (opened.ok) return opened.value;
  throw new Error(opened.mistakes.map(describeMistake).join('\n'));
}

/** The mistakes of a velocity.yml, a line each; none where there is none. */
export async function mistakesOf({ root }: TempWorkspace, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const opened = await openWorkspace(root, { ...PATH, ...env });
  return opened.ok ? [] : opened.mistakes.map(describeMistake);
}
