import { hostname } from 'node:os';
import { join } from 'node:path';
import type { CacheKey } from '../../base/cache-key.ts';
import { messageOf, VelocityError } from '../../base/errors.ts';
import type { RecordedInputs } from '../archiver/manifest.ts';
import { TaskOutputs } from '../archiver/outputs.ts';
import { packArtifact } from '../archiver/pack.ts';
import { removeOutputs, restoreOutputs } from '../archiver/restore.ts';
import { openArtifact } from '../archiver/unpack.ts';
import type { ArtifactCache, CacheAccess, FetchedArtifact } from '../artifact-cache.ts';
import type { HitSource, NotStored, RunEvent, RunSummary, TaskOutcome } from '../events.ts';
import { veil } from '../hasher/environment.ts';
import type { TaskInputs, TaskKeys } from '../hasher/task-keys.ts';
import type { OutputState } from '../state/output-state.ts';
import type { Task, TaskId } from '../task-graph/task.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { LogBuffer } from './log-buffer.ts';
import { runCommand } from './run-command.ts';
import type { PassedOver, TurnOutcome } from './schedule.ts';
import { taskEnvironment } from './task-environment.ts';

export interface TaskTurnsOptions {
  readonly workspace: Workspace;
  readonly keys: TaskKeys;
  readonly cache: ArtifactCache;
  readonly outputState: OutputState;
  readonly env: NodeJS.ProcessEnv;
  readonly force: boolean;
  readonly access: { readonly local: CacheAccess; readonly remote: CacheAccess };
  readonly version: string;
  readonly signal: AbortSignal;
  readonly hurry?: AbortSignal | undefined;
  readonly maxArtifactBytes: number;
  readonly warn: (message: string) => void;
  readonly onEvent: (event: RunEvent) => void;
}

const NO_LOG = (): Buffer => Buffer.alloc(0);

/** What happens when a task's turn has come: it is found done, restored, or run. */
export class TaskTurns {
  readonly #options: TaskTurnsOptions;
  readonly #outcomes = new Map<TaskId, TaskOutcome>();
  /** Durations of tasks whose outputs were found in place before the run began. */
  readonly #current = new Map<TaskId, number>();

  constructor(options: TaskTurnsOptions) {
    this.#options = options;
  }

  /** Keys whose artifacts will be wanted: of tasks that may be cached and whose outputs are not in place already. */
  keysToFetch(tasks: readonly Task[]): CacheKey[] {
    const { outputState, access, keys } = this.#options;
    return tasks.flatMap((task) => {
      if (task.command === undefined || !task.cache) return [];
      const { key } = keys.keyOf(task);
      const durationMs = access.local.read
        ? outputState.durationIfCurrent(task.id, key, this.#outputsOf(task))
        : undefined;
      if (durationMs === undefined) return [key];
      this.#current.set(task.id, durationMs);
      return [];
    });
  }

  async turn(task: Task): Promise<TurnOutcome> {
    // A package without the task has nothing to run; its key has been passed on.
    if (task.command === undefined) return 'done';
    const { key } = this.#options.keys.keyOf(task);
    this.#options.onEvent({ type: 'task-begin', task, key });
    const { outcome, log } = (await this.#reuse(task, key)) ?? (await this.#execute(task, key));
    this.#end(task, key, outcome, log);
    switch (outcome.status) {
      case 'failed':
        return 'failed';
      case 'interrupted':
        return 'interrupted';
      default:
        return 'done';
    }
  }

  passOver(task: Task, why: PassedOver): void {
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

  async #reuse(task: Task, key: CacheKey): Promise<{ outcome: TaskOutcome; log: () => Buffer } | undefined> {
    if (!task.cache || this.#options.force) return undefined;
    const startedAt = performance.now();
    const current = this.#current.get(task.id);
    if (current !== undefined) {
      return {
        outcome: this.#hit('unchanged', current, startedAt, 0),
        log: () => this.#options.outputState.logOf(task.id),
      };
    }
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

  async #restore(task: Task, key: CacheKey, fetched: FetchedArtifact, startedAt: number) {
    const { workspace, outputState, maxArtifactBytes } = this.#options;
    const outputs = this.#outputsOf(task);
    const where = { outputs, folder: this.#folderOf(task), workspaceRoot: workspace.root };
    const opened = await openArtifact(fetched, { ...where, key, maxBytes: maxArtifactBytes });
    outputState.forget(task.id);
    await restoreOutputs(opened.manifest.outputs, opened.contents, where);
    const { durationMs } = opened.manifest;
    outputState.record(task.id, key, durationMs, outputs, opened.log);
    return {
      outcome: this.#hit(fetched.source, durationMs, startedAt, fetched.sizeBytes),
      log: () => opened.log,
    };
  }

  #hit(source: HitSource, savedMs: number, startedAt: number, sizeBytes: number): TaskOutcome {
    return { status: 'hit', source, savedMs, durationMs: performance.now() - startedAt, sizeBytes };
  }

  async #execute(task: Task, key: CacheKey): Promise<{ outcome: TaskOutcome; log: () => Buffer }> {
    const { workspace, env, signal, hurry, outputState, onEvent } = this.#options;
    const folder = this.#folderOf(task);
    const outputs = this.#outputsOf(task);
    outputState.forget(task.id);
    if (task.cache && task.clean) this.#removeOldOutputs(task, outputs);

    const log = new LogBuffer();
    const startedAt = performance.now();
    const { exitCode } = await runCommand({
      steps: task.command?.steps ?? [],
      cwd: folder,
      envOf: taskEnvironment(task, workspace.root, env),
      signal,
      hurry,
      onOutput: (chunk) => {
        log.add(chunk);
        onEvent({ type: 'task-output', task, chunk });
      },
    });
    const durationMs = performance.now() - startedAt;
    if (signal.aborted) return { outcome: { status: 'interrupted' }, log: log.read };
    if (exitCode !== 0) return { outcome: { status: 'failed', exitCode, durationMs }, log: log.read };
    const stored = await this.#store(task, key, outputs, log, durationMs);
    return { outcome: { status: 'executed', durationMs, stored }, log: log.read };
  }

  /** Outputs of earlier sources would be packed as if these had made them. What git tracks is a source, whatever a pattern says. */
  #removeOldOutputs(task: Task, outputs: TaskOutputs): void {
    const { workspace } = this.#options;
    const prefix = task.package.directory === '' ? '' : `${task.package.directory}/`;
    const tracked = new Set(
      workspace.files.flatMap(({ path, tracked: isTracked }) => (isTracked ? [path] : [])),
    );
    const where = { outputs, folder: this.#folderOf(task), workspaceRoot: workspace.root };
    removeOutputs(where, (path) => tracked.has(prefix + path));
  }

  async #store(
    task: Task,
    key: CacheKey,
    outputs: TaskOutputs,
    log: LogBuffer,
    durationMs: number,
  ): Promise<'stored' | NotStored> {
    const { keys, cache, outputState, workspace, version, maxArtifactBytes, access, force, warn } =
      this.#options;
    if (!task.cache) return 'cache-off';
    if (!keys.filesAreUnchanged(task)) {
      warn(`${task.id}: its input files changed while it ran, so the result was not cached.`);
      return 'inputs-changed';
    }
    if (access.local.write) outputState.record(task.id, key, durationMs, outputs, log.read());
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
        found: outputs.find(),
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
    const { workspace } = this.#options;
    const others = Object.entries(workspace.config.pipeline).flatMap(([name, { outputs }]) => {
      const [packageName, taskName] = name.includes('#') ? name.split('#') : [task.package.name, name];
      return packageName === task.package.name && taskName !== task.name ? (outputs ?? []) : [];
    });
    return new TaskOutputs(this.#folderOf(task), workspace.root, task.outputs, others);
  }
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
