import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnv } from './server-process.ts';
import { VELOCITY } from './velocity-program.ts';

export interface CliResult {
  readonly exitCode: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real `velocity`, as a process that can be watched and interrupted. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], { cwd, env = {} }: CliOptions) {
    this.child = spawn(process.execPath, [VELOCITY, ...args], {
      cwd,
      env: { ...cleanEnv(), NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.result = once(this.child, 'close').then(() => ({
      exitCode: this.child.exitCode ?? this.child.signalCode ?? 0,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }
}

export function velocity(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return new CliProcess(args, options).result;
}
