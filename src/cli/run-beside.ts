import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { systemCode } from '../base/errors.ts';
import type { Interruption } from './signals.ts';

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

export interface BesideOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether a terminal sends its signals to the command itself, as it does to all that run in its foreground. */
  readonly ownTerminal: boolean;
}

/**
 * Runs somebody's command as if we were not there: it has our terminal, its signals and its exit code, as a shell
 * counts it. The second signal does not wait.
 * @returns its exit code, or why it could not be started
 */
export async function runBeside(
  [program = '', ...args]: readonly string[],
  interruption: Interruption,
  { cwd, env, ownTerminal }: BesideOptions,
): Promise<{ readonly exitCode: number; readonly trouble?: string }> {
  const child = spawn(program, args, { cwd, env, stdio: 'inherit' });
  const passOn = (): void => {
    const name = interruption.name();
    if (name !== undefined && !(name === 'SIGINT' && ownTerminal)) child.kill(name);
  };
  const kill = (): void => void child.kill('SIGKILL');
  interruption.signal.addEventListener('abort', passOn, { once: true });
  interruption.hurry.addEventListener('abort', kill, { once: true });
  if (interruption.signal.aborted) passOn();
  try {
    return { exitCode: await exitCodeOf(child) };
  } catch (error) {
    const code = systemCode(error);
    const exitCode = code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
    return { exitCode, trouble: `${program} cannot be run (${code ?? String(error)})` };
  } finally {
    interruption.signal.removeEventListener('abort', passOn);
    interruption.hurry.removeEventListener('abort', kill);
  }
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, name) => {
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
  });
}
