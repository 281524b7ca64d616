import { hostname } from 'node:os';
import { join } from 'node:path';
import type { CacheKey } from '../../base/cache-key.ts';
import { messageOf, VelocityError } from '../../base/errors.ts';
import type { RecordedInputs } from '../archiver/manifest.ts';
import { type FoundOutput, TaskOutputs } from '../archiver/outputs.ts';
import { packArtifact } from '../archiver/pack.ts';
import { removeOutputs, restoreOutputs } from '../archiver/restore.ts';
import { openArtifact } from '../archiver/unpack.ts';
import type { ArtifactCache, CacheAccess, FetchedArtifact } from '../artifact-cache.ts';
import type { HitSource, NotStored, RunEvent, RunSummary, TaskOutcome } from '../events.ts';
import { veil } from '../hasher/environment.ts';
import type { TaskInputs, TaskKeys } from '../hasher/task-keys.ts';
import type { OutputState } from '../state/output-state.ts';
import type { Task, TaskId } from '../task-graph/task.ts';
import { trackedPaths } from '../workspace/visible-files.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { LogBuffer } from './log-buffer.ts';
import type { PlaceLocks } from './place-locks.ts';
import { runCommand } from './run-command.ts';
import type { PassedOver, TurnOutcome } from './schedule.ts';
import { SharedOutputs } from './shared-outputs.ts';
import { taskEnvironment } from './task-environment.ts';

export interface TaskTurnsOptions {
  readonly workspace: Workspace;
  readonly keys: TaskKeys;
  readonly cache: ArtifactCache;
  readonly outputState: OutputState;
  readonly locks: PlaceLocks;
  readonly env: NodeJS.ProcessEnv;
  readonly force: boolean;
  readonly access: { readonly local: CacheAccess; readonly remote: CacheAccess };
  readonly version: string;
  readonly signal: AbortSignal;
  readonly hurry?: AbortSignal | undefined;
  readonly maxArtifactBytes: number;
  readonly warn: (message: string) => void;
  readonly onEvent: (event: RunEvent) => void;
  readonly untilTaken?: (() => Promise<void> | undefined) | undefined;
}

const NO_LOG = (): Buffer => Buffer.alloc(0);

/** How a turn ended, and what the task printed. */
interface Turn {
  readonly outcome: TaskOutcome;
  readonly log: () => Buffer;
}

/** What happens when a task's turn has come: it is found done, restored, or run. */
export class TaskTurns {
  readonly #options: TaskTurnsOptions;
  readonly #outcomes = new Map<TaskId, TaskOutcome>();
  /** Durations of tasks whose outputs were found in place before the run began. */
  readonly #current = new Map<TaskId, number>();
  readonly #shared: SharedOutputs;
  readonly #isTracked: (path: string) => boolean;
  /** Done in this run, with outputs that are its own. */
  readonly #finished = new Set<TaskId>();
  /**
   * What is on the disk is not what their keys stand for: they failed, or their inputs changed under them, or
   * they read what such a task left. Their own results would lie under their keys too.
   */
  readonly #unsettled = new Set<Task>();
  /** Whether the run has changed anything on the disk yet. */
  #wrote = false;

  constructor(options: TaskTurnsOptions) {
    this.#options = options;
    this.#shared = new SharedOutputs(options.workspace);
    this.#isTracked = trackedPaths(options.workspace.files);
  }

  /** Keys whose artifacts will be wanted: of tasks that may be cached and whose outputs are not in place already. */
  keysToFetch(tasks: readonly Task[]): CacheKey[] {
    return tasks.flatMap((task) => {
      if (task.command === undefined || !task.cache) return [];
      const { key } = this.#options.keys.keyOf(task);
      const durationMs = this.#durationIfCurrent(task, key);
      if (durationMs === undefined) return [key];
      this.#current.set(task.id, durationMs);
      return [];
    });
  }

  async turn(task: Task): Promise<TurnOutcome> {
    const isUnsettled = task.dependencies.some((dependency) => this.#unsettled.has(dependency));
    if (isUnsettled) this.#unsettled.add(task);
    // A package without the task has nothing to run; its key has been passed on.
    if (task.command === undefined) return 'done';
    const { key } = this.#options.keys.keyOf(task);
    this.#options.onEvent({ type: 'task-begin', task, key });
    const { outcome, log } = await this.#take(task, key);
    this.#end(task, key, outcome, log);
    switch (outcome.status) {
      case 'failed':
        this.#unsettled.add(task);
        return 'failed';
      case 'interrupted':
        return 'interrupted';
      default:
        this.#finished.add(task.id);
        return 'done';
    }
  }

  /** What goes wrong around a task (a folder nobody may write to, say) fails that task, not the run. */
  async #take(task: Task, key: CacheKey): Promise<Turn> {
    const { locks, signal, warn } = this.#options;
    const unchanged = this.#wrote ? undefined : this.#reuseInPlace(task);
    if (unchanged) return unchanged;
    const places = task.cache ? this.#shared.placesOf(task) : [];
    const held = await locks.hold(places, signal);
    if (!held) return { outcome: { status: 'interrupted' }, log: NO_LOG };
    try {
      const reused = await this.#reuse(task, key);
      if (reused) return reused;
      // An abort ends a download too: nothing of the outputs may be touched for a task that will not run.
      if (signal.aborted) return { outcome: { status: 'interrupted' }, log: NO_LOG };
      return await this.#execute(task, key);
    } catch (error) {
      warn(`${task.id}: ${messageOf(error)}`);
      return { outcome: { status: 'failed', exitCode: 1, durationMs: 0 }, log: NO_LOG };
    } finally {
      held[Symbol.dispose]();
    }
  }

  passOver(task: Task, why: PassedOver): void {
    this.#unsettled.add(task);
    if (task.command === undefined) return;
    this.#end(task, this.#options.keys.keyOf(task).key, { status: 'passed-over', why }, NO_LOG);
  }

  summary(durationMs: number, interrupted: boolean): RunSummary {
    const hits: Record<HitSource, number> = { unchanged: 0, local: 0, remote: 0 };
    const failed: TaskId[] = [];
    let [executed, passedOver, savedMs, exitCode] = [0, 0, 0, 0];
    for (const [id, outcome] of this.#outcomes) {
      switch (outcome.status) {
        case 'hit':
          hits[outcome.source]++;
          savedMs += outcome.savedMs;
          break;
        case 'executed':
          executed++;
          break;
        case 'failed':
          failed.push(id);
          exitCode = Math.max(exitCode, outcome.exitCode);
          break;
        case 'interrupted':
        case 'passed-over':
          passedOver++;
          break;
      }
    }
    return {
      tasks: this.#outcomes.size,
      hits,
      executed,
      failed,
      passedOver,
      savedMs,
      durationMs,
      exitCode: interrupted ? 130 : exitCode,
    };
  }

  /** Outputs that were in place when they were last looked at need nothing moved. */
  #reuseInPlace(task: Task): Turn | undefined {
    const durationMs = this.#current.get(task.id);
    if (durationMs === undefined || this.#options.force || this.#unsettled.has(task)) return undefined;
    return {
      outcome: this.#hit('unchanged', durationMs, performance.now(), 0),
      log: () => this.#options.outputState.logOf(task.id),
    };
  }

  async #reuse(task: Task, key: CacheKey): Promise<Turn | undefined> {
    if (!task.cache || this.#options.force || this.#unsettled.has(task)) return undefined;
    const startedAt = performance.now();
    // What this run or another has written since may have touched these outputs too.
    if (this.#durationIfCurrent(task, key) === undefined) this.#current.delete(task.id);
    const unchanged = this.#reuseInPlace(task);
    if (unchanged) return unchanged;
    const fetched = await this.#options.cache.fetch(key);
    if (!fetched) return undefined;
    try {
      return await this.#restore(task, key, fetched, startedAt);
    } catch (error) {
      const what =
        error instanceof VelocityError
          ? error.message
          : `its artifact could not be restored: ${messageOf(error)}`;
      this.#options.warn(`${task.id}: ${what} The task runs instead.`);
      await this.#options.cache.discard(key);
      return undefined;
    } finally {
      await fetched.dispose();
    }
  }

  async #restore(task: Task, key: CacheKey, fetched: FetchedArtifact, startedAt: number): Promise<Turn> {
    const { workspace, outputState, maxArtifactBytes } = this.#options;
    const outputs = this.#outputsOf(task);
    const where = {
      outputs,
      folder: this.#folderOf(task),
      workspaceRoot: workspace.root,
      isOthers: (output: FoundOutput) => this.#isOthers(task, output),
    };
    const opened = await openArtifact(fetched, { ...where, key, maxBytes: maxArtifactBytes });
    outputState.forget(task.id);
    this.#wrote = true;
    await restoreOutputs(opened.manifest.outputs, opened.contents, where);
    const { durationMs } = opened.manifest;
    const held = new Set(opened.manifest.outputs.map(({ path }) => path));
    const restored = outputs.find().filter(({ path }) => held.has(path));
    outputState.record(task.id, key, durationMs, restored, opened.log);
    return {
      outcome: this.#hit(fetched.source, durationMs, startedAt, fetched.sizeBytes),
      log: () => opened.log,
    };
  }

  #hit(source: HitSource, savedMs: number, startedAt: number, sizeBytes: number): TaskOutcome {
    return { status: 'hit', source, savedMs, durationMs: performance.now() - startedAt, sizeBytes };
  }

  async #execute(task: Task, key: CacheKey): Promise<Turn> {
    const { workspace, env, signal, hurry, outputState, onEvent, untilTaken } = this.#options;
    const folder = this.#folderOf(task);
    const outputs = this.#outputsOf(task);
    outputState.forget(task.id);
    this.#wrote = true;
    // Outputs of earlier sources would be packed as if these had made them.
    const before = outputs.find();
    if (task.cache && task.clean)
      removeOutputs({ outputs, folder }, before, (output) => this.#isOthers(task, output));
    const trackedBefore = before.filter(({ tracked }) => tracked);

    const log = new LogBuffer();
    const startedAt = performance.now();
    const { exitCode } = await runCommand({
      steps: task.command?.steps ?? [],
      cwd: folder,
      envOf: taskEnvironment(task, workspace.root, env),
      signal,
      hurry,
      untilTaken,
      onOutput: (chunk) => {
        log.add(chunk);
        onEvent({ type: 'task-output', task, chunk });
      },
    });
    const durationMs = performance.now() - startedAt;
    if (signal.aborted) return { outcome: { status: 'interrupted' }, log: log.read };
    if (exitCode !== 0) return { outcome: { status: 'failed', exitCode, durationMs }, log: log.read };
    const stored = await this.#store(task, key, trackedBefore, log, durationMs);
    return { outcome: { status: 'executed', durationMs, stored }, log: log.read };
  }

  /** @param trackedBefore what git tracks among the outputs, as it was before the task ran */
  async #store(
    task: Task,
    key: CacheKey,
    trackedBefore: readonly FoundOutput[],
    log: LogBuffer,
    durationMs: number,
  ): Promise<'stored' | NotStored> {
    const { keys, cache, outputState, workspace, version, maxArtifactBytes, access, force, warn } =
      this.#options;
    if (!(await keys.inputsAreUnchanged(task))) {
      this.#unsettled.add(task);
      if (!task.cache) return 'cache-off';
      warn(`${task.id}: its input files changed while it ran, so the result was not cached.`);
      return 'inputs-changed';
    }
    if (!task.cache) return 'cache-off';
    if (this.#unsettled.has(task)) return 'dependency-unsettled';
    const found = this.#outputsOf(task).find();
    const written = writtenSince(trackedBefore, found);
    const made = found.filter((output) => written.has(output.path) || this.#isOwn(task, output));
    outputState.record(task.id, key, durationMs, made, log.read());
    if (!access.local.write && !access.remote.write) return 'not-writable';
    try {
      const { body } = await packArtifact({
        facts: {
          task: task.id,
          key,
          inputs: recorded(keys.keyOf(task).inputs),
          durationMs: Math.round(durationMs),
          writer: { velocity: version, host: hostname() },
        },
        log: { bytes: log.read(), truncated: log.isTruncated },
        found: made,
        folder: this.#folderOf(task),
        workspaceRoot: workspace.root,
        maxBytes: maxArtifactBytes,
      });
      return (await cache.store(key, task.id, body, force)) ? 'stored' : 'not-writable';
    } catch (error) {
      warn(`${task.id}: ${messageOf(error)}`);
      return error instanceof VelocityError && error.code === 'OUTPUT_UNCACHEABLE'
        ? 'uncacheable-output'
        : 'store-failed';
    }
  }

  #end(task: Task, key: CacheKey, outcome: TaskOutcome, log: () => Buffer): void {
    this.#outcomes.set(task.id, outcome);
    this.#options.onEvent({ type: 'task-end', task, key, outcome, log });
  }

  #folderOf(task: Task): string {
    return join(this.#options.workspace.root, task.package.directory);
  }

  #outputsOf(task: Task): TaskOutputs {
    const { root } = this.#options.workspace;
    return new TaskOutputs({
      folder: this.#folderOf(task),
      workspaceRoot: root,
      patterns: task.outputs,
      isTracked: this.#isTracked,
    });
  }

  /** How long the task took, where its outputs are in place already. */
  #durationIfCurrent(task: Task, key: CacheKey): number | undefined {
    const { access, outputState } = this.#options;
    if (!access.local.read) return undefined;
    const siblings = this.#shared.siblingsOf(task);
    const isOthers = (output: FoundOutput): boolean =>
      !outputState.hasMade(task.id, output) && siblings.some((id) => outputState.hasMade(id, output));
    return outputState.durationIfCurrent(task.id, key, () => {
      const outputs = this.#outputsOf(task);
      const found = outputs.find();
      if (!found.every(({ path }) => outputs.matches(path))) return undefined;
      return found.filter((output) =>
        output.tracked
          ? outputState.madePath(task.id, output.path)
          : siblings.length === 0 || !isOthers(output),
      );
    });
  }

  /** Whether another task made it in this run, and this one did not touch it since. */
  #isOthers(task: Task, output: FoundOutput): boolean {
    return this.#shared
      .siblingsOf(task)
      .some((id) => this.#finished.has(id) && this.#options.outputState.hasMade(id, output));
  }

  /** Whether nobody but this task can have made it. */
  #isOwn(task: Task, output: FoundOutput): boolean {
    return !output.tracked && !this.#isOthers(task, output);
  }
}

/** The paths of what git tracks and the task wrote all the same: made, and committed. */
function writtenSince(before: readonly FoundOutput[], now: readonly FoundOutput[]): ReadonlySet<string> {
  const times = new Map(before.map((output) => [output.path, output.stats.ctimeMs]));
  const written = now.filter(({ path, tracked, stats }) => tracked && stats.ctimeMs !== times.get(path));
  return new Set(written.map(({ path }) => path));
}

/** Values of variables may be secrets: the artifact tells whether they changed, not what they are. */
function recorded(inputs: TaskInputs): RecordedInputs {
  const { command, files, global, env, envKeys, dependencies, sources, locked, tools } = inputs;
  const veiled = (pairs: readonly (readonly [string, string | null])[]) =>
    pairs.map(([name, value]) => [name, veil(value)] as const);
  return {
    command,
    files,
    global,
    env: veiled(env),
    envKeys: veiled(envKeys),
    dependencies,
    sources,
    locked,
    tools: { ...tools },
  };
}
