import {
  type ChildProcess,
  type ChildProcessByStdio,
  type SpawnOptionsWithStdioTuple,
  spawn,
} from 'node:child_process';
import { copyFile, lstat, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { codeOrName, VelocityError } from '../../../base/errors.ts';
import { ProcessGroup } from '../../../base/process-group.ts';
import type { BoundedLog } from './bounded-log.ts';
import { type BuildSpec, specJson } from './build-spec.ts';
import { fillIn } from './placeholders.ts';
import type { Recipe } from './recipe-shape.ts';

export interface RecipeRun {
  readonly recipe: Recipe;
  readonly spec: BuildSpec;
  /** An empty folder that is the run's alone, without links in its path. */
  readonly folder: string;
  /** The server's own variables, of which the command gets what the recipe passes on. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: BoundedLog;
  /** Ends the command and all it started; its reason is the run's failure. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface Binary {
  readonly path: string;
  readonly bytes: number;
}

/** How often it is looked how large the binary has become. */
const LOOK_EVERY_MS = 250;
/** How long a pipe may stay open that a process outside of the group holds. */
const LEFT_BEHIND_MS = 500;

/**
 * Runs a recipe's command to its end, and what it left in its process group with it.
 * @throws VelocityError `COMPILE_FAILED`, `COMPILE_TIMEOUT`; the signal's reason. All its processes are gone by then
 */
export async function runRecipe(run: RecipeRun): Promise<Binary> {
  const { recipe, folder, signal, clock } = run;
  const { cwd, output, args, env } = await prepare(run);
  signal.throwIfAborted();
  const limit = new AbortController();
  const stop = AbortSignal.any([signal, limit.signal]);
  const cancelTimeout = clock.after(recipe.timeout, () => {
    const message = `The build took longer than the recipe allows: ${recipe.timeout / 1000} s.`;
    limit.abort(new VelocityError('COMPILE_TIMEOUT', message));
  });
  const unwatch = watchSize(output, recipe.max_output_bytes, clock, (reason) => limit.abort(reason));
  try {
    const { exitCode, startFailed } = await runCommand(args, { cwd, env, stop, run });
    stop.throwIfAborted();
    if (startFailed) throw failed(`The recipe’s program ${args[0]} cannot be started: ${startFailed}.`);
    if (exitCode !== 0) throw failed(`The recipe’s command ended with exit code ${exitCode}.`);
    return await binaryAt(output, join(folder, CWD), recipe);
  } finally {
    cancelTimeout();
    unwatch();
  }
}

const CWD = 'build';

interface Prepared {
  readonly cwd: string;
  readonly output: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

async function prepare({ recipe, spec, folder, env }: RecipeRun): Promise<Prepared> {
  const [cwd, home, tmp] = [join(folder, CWD), join(folder, 'home'), join(folder, 'tmp')];
  const specPath = join(folder, 'spec.json');
  const output = join(cwd, recipe.output);
  for (const path of [cwd, home, tmp, dirname(output)]) await mkdir(path, { recursive: true });
  await writeFile(specPath, `${specJson(spec)}\n`);
  for (const file of recipe.files) {
    const path = join(cwd, file.path);
    await mkdir(dirname(path), { recursive: true });
    if ('text' in file) await writeFile(path, file.text);
    else await copyFile(file.copy, path).catch(cannotCopy(file.copy));
  }
  const passed = Object.fromEntries(['PATH', ...recipe.pass_env].map((name) => [name, env[name]]));
  return {
    cwd,
    output,
    args: fillIn(recipe.command, spec, { output, spec: specPath }),
    env: { HOME: home, TMPDIR: tmp, ...passed, ...recipe.env },
  };
}

interface CommandEnd {
  /** As a shell counts: 128 and the signal’s number where a signal ended it. */
  readonly exitCode: number;
  readonly startFailed?: string;
}

/** Without a shell and without input, at the head of a process group of its own. */
async function runCommand(
  [program = '', ...args]: readonly string[],
  { cwd, env, stop, run }: Pick<Prepared, 'cwd' | 'env'> & { stop: AbortSignal; run: RecipeRun },
): Promise<CommandEnd> {
  const options: SpawnOptionsWithStdioTuple<'ignore', 'pipe', 'pipe'> = {
    ...{ cwd, env, detached: true },
    stdio: ['ignore', 'pipe', 'pipe'],
  };
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(program, args, options);
  } catch (error) {
    return { exitCode: 127, startFailed: codeOrName(error) }; // as E2BIG, for arguments that are too long
  }
  const pipes = [child.stdout, child.stderr];
  const read = Promise.all(pipes.map((pipe) => new Promise((resolve) => pipe.once('close', resolve))));
  for (const pipe of pipes) pipe.on('data', (chunk: Buffer) => run.log.add(chunk));
  using group = new ProcessGroup(child.pid, run.clock);
  let ending: Promise<void> | undefined;
  const onStop = (): void => {
    ending = group.end(undefined);
  };
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    const end = await endOf(child);
    await ending;
    // What it left in the background would go on in a folder that is taken away.
    group.send('SIGKILL');
    const late = setTimeout(() => {
      for (const pipe of pipes) pipe.destroy();
    }, LEFT_BEHIND_MS);
    await read;
    clearTimeout(late);
    return end;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

function endOf(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: 127, startFailed: codeOrName(error) }));
    child.once('exit', (code, name) => {
      resolve({ exitCode: code ?? 128 + (name === null ? 0 : constants.signals[name]) });
    });
  });
}

/** A command gone wild is stopped before it has filled the disk; the last word has the size at the end. */
function watchSize(
  path: string,
  maxBytes: number,
  clock: Clock,
  tell: (reason: VelocityError) => void,
): () => void {
  let isOver = false;
  const look = async (): Promise<void> => {
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    if (isOver) return;
    if (size > maxBytes) tell(tooLarge(maxBytes));
    else cancel = clock.after(LOOK_EVERY_MS, look);
  };
  let cancel = clock.after(LOOK_EVERY_MS, look);
  return () => {
    isOver = true;
    cancel();
  };
}

/** A plain file in the build’s folder: a link could lead to any file that this server may read. */
async function binaryAt(path: string, cwd: string, recipe: Recipe): Promise<Binary> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) throw failed(`The recipe’s command made no file ${recipe.output}.`);
  const isInside = (await realpath(path)).startsWith(cwd + sep);
  if (!found.isFile() || !isInside) {
    throw failed(`What the recipe’s command left at ${recipe.output} is no file of its own.`);
  }
  if (found.size > recipe.max_output_bytes) throw tooLarge(recipe.max_output_bytes);
  return { path, bytes: found.size };
}

function cannotCopy(path: string): (error: unknown) => never {
  return (error) => {
    throw failed(`The recipe’s file ${path} cannot be copied: ${codeOrName(error)}.`);
  };
}

function tooLarge(maxBytes: number): VelocityError {
  return failed(`The binary is larger than the recipe allows: ${maxBytes} bytes.`);
}

function failed(message: string): VelocityError {
  return new VelocityError('COMPILE_FAILED', message);
}
