import type { CacheKey } from '../../base/cache-key.ts';
import { type Digest, digestOf } from '../../base/digest.ts';
import type { Task, TaskId } from '../task-graph/task.ts';
import type { Package } from '../workspace/package.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { declaredVariables } from './environment.ts';
import type { FileDigests } from './file-digests.ts';
import { DEFAULT_INPUTS, PackageSources } from './package-sources.ts';
import type { ToolVersions } from './tool-versions.ts';

/**
 * Everything that goes into a task's key, in the order in which it is digested. No absolute
 * path, no time, no name of a machine: the same inputs give the same key everywhere.
 */
export interface TaskInputs {
  /** Of this format: a change of meaning changes every key. */
  readonly format: 'velocity-task-v1';
  readonly project: string | null;
  /** Name and package say what is done and under which name others know it. */
  readonly task: TaskId;
  /** The steps' lines, in order; empty for a task without a command. */
  readonly command: readonly string[];
  /** They decide what the artifact holds. */
  readonly outputs: readonly string[];
  /** Input files from the workspace root with mode and digest: content, executable bit and place all count. */
  readonly files: readonly (readonly [path: string, mode: string, digest: Digest])[];
  /** Root files that count for every task, as one digest. */
  readonly global: Digest;
  /** Variables that are set for the task. */
  readonly env: readonly (readonly [string, string])[];
  /** Variables that are read from the environment; `null` is not set. */
  readonly envKeys: readonly (readonly [string, string | null])[];
  /** Keys of the tasks this one depends on: whatever changes them changes this one. */
  readonly dependencies: readonly (readonly [TaskId, CacheKey])[];
  /** Sources and locked packages of workspace packages this one depends on without depending on a task of theirs. */
  readonly sources: readonly (readonly [name: string, digest: Digest])[];
  /** The external packages this one can reach, by the lockfile; `null` where there is none. */
  readonly locked: Digest | null;
  readonly tools: ToolVersions;
}

export interface TaskKey {
  readonly key: CacheKey;
  readonly inputs: TaskInputs;
}

/** Computes the keys of a task graph. */
export class TaskKeys {
  readonly #workspace: Workspace;
  readonly #digests: FileDigests;
  readonly #tools: ToolVersions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #sources: PackageSources;
  readonly #sourceDigests = new Map<Package, Digest>();
  readonly #covered = new Map<Task, ReadonlySet<Package>>();
  readonly #keys = new Map<TaskId, TaskKey>();
  #global: Digest | undefined;

  constructor(workspace: Workspace, digests: FileDigests, tools: ToolVersions, env: NodeJS.ProcessEnv) {
    this.#workspace = workspace;
    this.#digests = digests;
    this.#tools = tools;
    this.#env = env;
    this.#sources = new PackageSources(workspace);
  }

  /** The key of a task; those of its dependencies must have been asked for before. */
  keyOf(task: Task): TaskKey {
    const known = this.#keys.get(task.id);
    if (known) return known;
    const { config, locked } = this.#workspace;
    const inputs: TaskInputs = {
      format: 'velocity-task-v1',
      project: config.project_id ?? null,
      task: task.id,
      command: task.command?.steps.map(({ line }) => line) ?? [],
      outputs: task.outputs,
      files: this.#filesOf(this.#sources.inputsOf(task)),
      global: this.#globalDigest(),
      env: Object.entries(task.env).sort(byName),
      envKeys: declaredVariables([...task.envKeys, ...(config.global?.env_keys ?? [])], this.#env),
      dependencies: task.dependencies.map((each) => [each.id, this.#known(each).key]),
      sources: this.#uncoveredSources(task),
      locked: locked.digestFor(task.package) ?? null,
      tools: this.#tools,
    };
    // JSON of one fixed shape is a text from which every part can be told again: nothing runs together.
    const taskKey = { key: digestOf(JSON.stringify(inputs)) as string as CacheKey, inputs };
    this.#keys.set(task.id, taskKey);
    return taskKey;
  }

  /** Whether all files are still those the task's key was made of. Looks again; reads only what looks changed. */
  filesAreUnchanged(task: Task): boolean {
    const { files, global, sources } = this.#known(task).inputs;
    const isUnchanged = files.every(([path, mode, digest]) => {
      const facts = this.#digests.factsOf(path);
      return facts?.digest === digest && facts.mode === mode;
    });
    const { graph } = this.#workspace;
    return (
      isUnchanged &&
      this.#digestOfGlobal() === global &&
      sources.every(([name, digest]) => {
        const each = graph.get(name);
        return each !== undefined && this.#digestOfSources(each) === digest;
      })
    );
  }

  #known(task: Task): TaskKey {
    const known = this.#keys.get(task.id);
    if (!known) throw new Error(`unreachable: the key of ${task.id} was not computed yet`);
    return known;
  }

  #filesOf(paths: readonly string[]): TaskInputs['files'] {
    return paths.flatMap((path): TaskInputs['files'] => {
      const facts = this.#digests.factsOf(path);
      return facts ? [[path, facts.mode, facts.digest]] : [];
    });
  }

  #globalDigest(): Digest {
    this.#global ??= this.#digestOfGlobal();
    return this.#global;
  }

  #digestOfGlobal(): Digest {
    return digestOf(JSON.stringify(this.#filesOf(this.#sources.global())));
  }

  /**
   * A package reads the packages it depends on. Where a task of theirs comes first, its key tells of
   * their sources; where none does (`test` without `^build`), the sources themselves must count.
   * Whoever lists `inputs` without `$default` has said what counts.
   */
  #uncoveredSources(task: Task): TaskInputs['sources'] {
    const covered = this.#coveredBy(task);
    if (task.inputs?.some((pattern) => !pattern.startsWith('!')) && !task.inputs.includes(DEFAULT_INPUTS))
      return [];
    const { graph } = this.#workspace;
    const uncovered = new Set<Package>();
    const visit = (each: Package): void => {
      for (const dependency of graph.dependenciesOf(each)) {
        if (covered.has(dependency) || uncovered.has(dependency) || dependency === task.package) continue;
        uncovered.add(dependency);
        visit(dependency);
      }
    };
    visit(task.package);
    return [...uncovered].map((each) => [each.name, this.#sourceDigest(each)] as const).sort(byName);
  }

  /** Packages of which some task comes before this one. */
  #coveredBy(task: Task): ReadonlySet<Package> {
    const covered = new Set<Package>();
    for (const dependency of task.dependencies) {
      covered.add(dependency.package);
      for (const each of this.#covered.get(dependency) ?? []) covered.add(each);
    }
    this.#covered.set(task, covered);
    return covered;
  }

  #sourceDigest(each: Package): Digest {
    let digest = this.#sourceDigests.get(each);
    if (digest === undefined) {
      digest = this.#digestOfSources(each);
      this.#sourceDigests.set(each, digest);
    }
    return digest;
  }

  #digestOfSources(each: Package): Digest {
    const locked = this.#workspace.locked.digestFor(each) ?? null;
    return digestOf(JSON.stringify([this.#filesOf(this.#sources.of(each)), locked]));
  }
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
