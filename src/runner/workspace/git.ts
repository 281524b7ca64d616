import { execFile } from 'node:child_process';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';

/** What git said; exit codes are the command's own. */
export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

/**
 * Variables that say where a repository is: `git rev-parse --local-env-vars`, without those of the
 * configuration. Git sets them for its hooks, of which `velocity run` may be one, and they would
 * be stronger than the folder it is asked in.
 */
const REPOSITORY_VARIABLES: ReadonlySet<string> = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
]);

/**
 * Asks the repository that this folder is in; `undefined` where there is no git on this machine.
 * @throws VelocityError `WORKSPACE_INVALID` for a git that cannot be started or does not end by itself
 */
export function askGit(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<GitAnswer | undefined> {
  const own = Object.entries(env).filter(([name]) => !REPOSITORY_VARIABLES.has(name));
  const options = {
    cwd: folder,
    env: { ...Object.fromEntries(own), LC_ALL: 'C' }, // its complaints are read
    maxBuffer: MAX_ANSWER_BYTES,
    encoding: 'buffer',
  } as const;
  return new Promise((resolve, reject) => {
    execFile('git', args, options, (error, stdout, stderr) => {
      if (systemCode(error) === 'ENOENT') resolve(undefined);
      else if (error && typeof error.code !== 'number') reject(notAsked(error));
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr: stderr.toString().trim() });
    });
  });
}

/** The commit that is checked out; `undefined` where there is none, no repository or no git to ask. */
export async function headCommit(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'];
  const answer = await askGit(args, folder, env).catch(() => undefined); // it only explains: no upload waits for it to work
  return answer?.exitCode === 0 ? answer.stdout.toString().trim() : undefined;
}

function notAsked(error: Error): VelocityError {
  return new VelocityError('WORKSPACE_INVALID', `git could not be asked: ${messageOf(error)}`, {
    cause: error,
  });
}
