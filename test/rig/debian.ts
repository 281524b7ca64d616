import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Programs a test needs and the Debian packages that bring them. */
export interface DebianNeed {
  readonly programs: readonly string[];
  readonly packages: readonly string[];
}

/**
 * Makes sure the programs are there: installs their packages where this is root on a machine
 * with apt, else answers what is missing, so that the suite can be skipped in so many words.
 */
export async function ensureDebian({ programs, packages }: DebianNeed): Promise<'ready' | { skip: string }> {
  if (programs.every(isOnPath)) return 'ready';
  const needs = `needs ${programs.filter((program) => !isOnPath(program)).join(', ')}`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    return { skip: `skipped: ${needs} (Debian packages ${packages.join(' ')})` };
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env,
      maxBuffer: 64e6,
    });
  } catch (error) {
    return { skip: `skipped: ${needs}; apt-get could not install ${packages.join(' ')}: ${lastLine(error)}` };
  }
  return 'ready';
}

export function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Whether the running kernel and user allow what a command tries; for `unshare`, `mount` and the like. */
export function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function lastLine(error: unknown): string {
  return (
    String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n')
      .at(-1) ?? ''
  );
}
