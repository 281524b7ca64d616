import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { PackageManager } from '../workspace/package-manager.ts';

const run = promisify(execFile);

/** What of the machine decides results: part of every key. */
export interface ToolVersions {
  readonly os: string;
  readonly cpu: string;
  /** Major version of the Node that tasks get, from PATH; `none` where there is none. */
  readonly node: string;
  /** As the repository declares it: `npm@11.2.0`, or the name alone. */
  readonly packageManager: string;
}

export async function toolVersions(
  packageManager: PackageManager | undefined,
  env: NodeJS.ProcessEnv,
): Promise<ToolVersions> {
  return {
    os: platform(),
    cpu: arch(),
    node: await nodeMajor(env),
    packageManager: packageManager?.label ?? 'none',
  };
}

/** Tasks run the `node` on PATH, which need not be the one that runs us; asking it costs a process, so only then. */
async function nodeMajor(env: NodeJS.ProcessEnv): Promise<string> {
  const found = (env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => realPath(join(folder, 'node')) ?? [])[0];
  if (found === undefined) return 'none';
  if (found === realPath(process.execPath)) return majorOf(process.version);
  try {
    const { stdout } = await run(found, ['--version'], { env });
    return majorOf(stdout);
  } catch {
    return 'none'; // a `node` that cannot say its version: tasks that need it will say why
  }
}

function majorOf(version: string): string {
  return /^v?(\d+)/.exec(version.trim())?.[1] ?? 'none';
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
