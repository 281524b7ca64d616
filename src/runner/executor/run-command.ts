import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { type Clock, systemClock } from '../../base/clock.ts';
import type { CommandStep } from '../task-graph/task.ts';

export interface RunCommandOptions {
  readonly steps: readonly CommandStep[];
  readonly cwd: string;
  readonly envOf: (step: CommandStep) => NodeJS.ProcessEnv;
  /** Output of the command, standard output and error as they came. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Asks the command, and all it started, to end; after the grace time it is killed. */
  readonly signal: AbortSignal;
  /** Kills it at once. */
  readonly hurry?: AbortSignal | undefined;
  readonly clock?: Clock;
}

export interface CommandResult {
  /** The first failing step's, as a shell counts: 128 and the signal's number where a signal ended it, 127 where it could not start. */
  readonly exitCode: number;
}

/** How long a command may take to end after SIGTERM or SIGINT before it is killed. */
export const GRACE_MS = 5_000;

/** Runs the steps one after the other until one fails. */
export async function runCommand(options: RunCommandOptions): Promise<CommandResult> {
  for (const step of options.steps) {
    const exitCode = await runStep(step, options);
    if (exitCode !== 0) return { exitCode };
  }
  return { exitCode: 0 };
}

/**
 * The step leads a process group of its own, so that what it started can be ended with it.
 * It gets no input: tasks run side by side and none owns the terminal.
 */
function runStep(step: CommandStep, options: RunCommandOptions): Promise<number> {
  const { cwd, envOf, onOutput, signal, hurry, clock = systemClock } = options;
  if (signal.aborted) return Promise.resolve(128 + 15);
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', step.line], {
      cwd,
      env: envOf(step),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let cancelKill = (): void => {};
    const endGroup = (name: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch {
        // the group is gone already
      }
    };
    const onAbort = (): void => {
      endGroup('SIGTERM');
      cancelKill = clock.after(GRACE_MS, kill);
    };
    const kill = (): void => endGroup('SIGKILL');
    signal.addEventListener('abort', onAbort, { once: true });
    hurry?.addEventListener('abort', kill, { once: true });
    const settle = (exitCode: number): void => {
      cancelKill();
      signal.removeEventListener('abort', onAbort);
      hurry?.removeEventListener('abort', kill);
      resolve(exitCode);
    };

    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    child.once('error', (error) => {
      onOutput(Buffer.from(`${error.message}\n`));
      settle(127);
    });
    // `exit` tells that the shell is done; what it left behind must not outlive an abort, nor hold the run up.
    child.once('exit', (code, name) => {
      if (signal.aborted) kill();
      const exitCode = code ?? 128 + (name === null ? 0 : constants.signals[name]);
      afterOutput([child.stdout, child.stderr], () => settle(exitCode));
    });
  });
}

/**
 * Waits for the pipes to end. A process that the command left in the background keeps them open for ever,
 * so after the command's own end they get a moment, not eternity; then they are closed, for an open one
 * keeps this process alive too.
 */
function afterOutput(pipes: readonly Readable[], done: () => void): void {
  const LEFT_BEHIND_MS = 500;
  let open = pipes.filter((pipe) => !pipe.readableEnded).length;
  let timer: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(timer);
    if (open < 0) return;
    open = -1;
    for (const pipe of pipes) pipe.destroy();
    done();
  };
  for (const pipe of pipes) pipe.once('end', () => --open === 0 && finish());
  if (open === 0) finish();
  // Where this process was busy all the while, what the pipes hold is read before the immediate runs.
  else timer = setTimeout(() => setImmediate(finish), LEFT_BEHIND_MS);
}
