import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { type Clock, systemClock } from '../../base/clock.ts';
import { ProcessGroup } from '../../base/process-group.ts';
import type { CommandStep } from '../task-graph/task.ts';

export interface RunCommandOptions {
  readonly steps: readonly CommandStep[];
  readonly cwd: string;
  readonly envOf: (step: CommandStep) => NodeJS.ProcessEnv;
  /** Output of the command, standard output and error as they came. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Asked after output was handed on: a promise holds the command up until its output can be taken again. */
  readonly untilTaken?: (() => Promise<void> | undefined) | undefined;
  /** Asks the command, and all it started, to end, and waits for them; after the grace time they are killed. */
  readonly signal: AbortSignal;
  /** Kills it at once. */
  readonly hurry?: AbortSignal | undefined;
  readonly clock?: Clock;
}

export interface CommandResult {
  /** The first failing step's, as a shell counts: 128 and the signal's number where a signal ended it, 127 where it could not start. */
  readonly exitCode: number;
}

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
async function runStep(step: CommandStep, options: RunCommandOptions): Promise<number> {
  const { cwd, envOf, onOutput, signal, hurry, clock = systemClock } = options;
  if (signal.aborted) return 128 + constants.signals.SIGTERM;
  const child = spawn('/bin/sh', ['-c', step.filled ?? step.line], {
    cwd,
    env: envOf(step),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = new StepOutput([child.stdout, child.stderr], options);
  using group = new ProcessGroup(child.pid, clock);
  let ended: Promise<void> | undefined;
  const onAbort = (): void => {
    ended = group.end(hurry);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const exitCode = await exitCodeOf(child, onOutput);
    // An abort reaches all that the step started; it may come before the step's own end, or while its output does.
    await ended;
    await output.end();
    await ended;
    return exitCode;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function exitCodeOf(child: ChildProcess, onOutput: (chunk: Buffer) => void): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      onOutput(Buffer.from(`${error.message}\n`));
      resolve(127);
    });
    child.once('exit', (code, name) => {
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
  });
}

const LEFT_BEHIND_MS = 500;

/** What a step prints, no faster than it is taken: else a slow reader would have all of it in our memory. */
class StepOutput {
  readonly #pipes: readonly Readable[];
  readonly #options: RunCommandOptions;
  readonly #ended: Promise<unknown>;
  #held: Promise<void> | undefined;
  #wasHeld = false;

  constructor(pipes: readonly Readable[], options: RunCommandOptions) {
    this.#pipes = pipes;
    this.#options = options;
    this.#ended = Promise.all(pipes.map((pipe) => new Promise((resolve) => pipe.once('end', resolve))));
    for (const pipe of pipes) pipe.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    this.#options.onOutput(chunk);
    const taken = this.#held ? undefined : this.#options.untilTaken?.();
    if (!taken) return;
    this.#wasHeld = true;
    for (const pipe of this.#pipes) pipe.pause();
    this.#held = taken.then(() => {
      this.#held = undefined;
      for (const pipe of this.#pipes) pipe.resume();
    });
  }

  /**
   * Waits for the pipes to end. A process that the command left in the background keeps them open for ever,
   * so after the command's own end they get a moment, not eternity; then they are closed, for an open one
   * keeps this process alive too. The time in which nobody takes their output does not count.
   */
  async end(): Promise<void> {
    let isOpen = true;
    this.#ended.then(() => {
      isOpen = false;
    });
    const { signal } = this.#options;
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const onAbort = (): void => abort();
    signal.addEventListener('abort', onAbort, { once: true });
    do {
      if (!signal.aborted) await Promise.race([this.#held, aborted]);
      this.#wasHeld = false;
      await Promise.race([this.#ended, this.#moment()]);
    } while (isOpen && this.#wasHeld && !signal.aborted);
    signal.removeEventListener('abort', onAbort);
    for (const pipe of this.#pipes) pipe.destroy();
  }

  async #moment(): Promise<void> {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, LEFT_BEHIND_MS);
      this.#ended.then(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    // Where this process was busy all the while, what the pipes hold is read before the immediate runs.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
