import type { CacheKey } from '../../base/cache-key.ts';
import { type Digest, digestOf } from '../../base/digest.ts';
import type { Task, TaskId } from '../task-graph/task.ts';
import type { Package } from '../workspace/package.ts';
import { compilePatterns, type PathMatcher } from '../workspace/path-patterns.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { declaredVariables } from './environment.ts';
import type { FileDigests } from './file-digests.ts';
import { foldersAbove, NewFiles } from './new-files.ts';
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
  /** Name and version as the manifest has them: a script finds them in its environment. `null` for other commands. */
  readonly manifest: readonly [name: string, version: string | null] | null;
  /** They decide what the artifact holds. */
  readonly outputs: readonly string[];
  /**
   * Input files from the workspace root with mode and digest: content, executable bit and place all count.
   * For a link also what it leads to, inside the workspace.
   */
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
  readonly #newFiles: NewFiles;
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
    this.#newFiles = new NewFiles(workspace, env);
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
      manifest:
        task.command?.kind === 'script' ? [task.package.name, task.package.manifest.version ?? null] : null,
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

  /**
   * Whether all files are still those the task's key was made of, and none has come to them. Looks again; reads
   * only what looks changed. What git tracks among the task's own outputs may have been written by it.
   */
  async inputsAreUnchanged(task: Task): Promise<boolean> {
    const { files, global, sources } = this.#known(task).inputs;
    const { graph, locked } = this.#workspace;
    const isOwnOutput = this.#isOwnOutput(task);
    const filesAreSame = files.every(([path, mode, digest]) => {
      if (isOwnOutput(path)) return true;
      const facts = this.#digests.factsOf(path);
      return facts?.digest === digest && facts.mode === mode;
    });
    if (!filesAreSame || !locked.isUnchanged() || this.#digestOfGlobal() !== global) return false;
    const packages = sources.flatMap(([name]) => graph.get(name) ?? []);
    if (sources.some(([name, digest]) => this.#digestOfNamed(name) !== digest)) return false;
    return !(await this.#hasNewInputs(task, packages));
  }

  async #hasNewInputs(task: Task, packages: readonly Package[]): Promise<boolean> {
    const { files } = this.#known(task).inputs;
    const added = await this.#newFiles.in(
      foldersOf(
        files.map(([path]) => path),
        task.package.directory,
      ),
      this.#isOutputOf(task.package),
    );
    for (const each of packages)
      added.push(
        ...(await this.#newFiles.in(
          foldersOf(this.#sources.of(each), each.directory),
          this.#isOutputOf(each),
        )),
      );
    if (added.length === 0) return false;
    const all = [...this.#workspace.files, ...added].sort((a, b) => (a.path < b.path ? -1 : 1));
    const now = new PackageSources({ ...this.#workspace, files: all });
    return (
      now.inputsOf(task).length !== this.#sources.inputsOf(task).length ||
      packages.some((each) => now.of(each).length !== this.#sources.of(each).length)
    );
  }

  #isOwnOutput(task: Task): PathMatcher {
    return below(task.package, compilePatterns(task.outputs));
  }

  #isOutputOf(each: Package): PathMatcher {
    return below(each, this.#sources.isOutputOf(each));
  }

  #known(task: Task): TaskKey {
    const known = this.#keys.get(task.id);
    if (!known) throw new Error(`unreachable: the key of ${task.id} was not computed yet`);
    return known;
  }

  #filesOf(paths: readonly string[]): TaskInputs['files'] {
    const rows = new Map<string, TaskInputs['files'][number]>();
    const add = (path: string): void => {
      if (rows.has(path)) return;
      const facts = this.#digests.factsOf(path);
      if (!facts) return;
      rows.set(path, [path, facts.mode, facts.digest]);
      // What reads a link reads what it leads to.
      if (facts.mode === 'l') for (const target of this.#sources.behindLink(path)) add(target);
    };
    for (const path of paths) add(path);
    return [...rows.values()];
  }

  #globalDigest(): Digest {
    this.#global ??= this.#digestOfGlobal();
    return this.#global;
  }

  #digestOfGlobal(): Digest {
    return digestOf(JSON.stringify(this.#filesOf(this.#sources.global())));
  }

  /**
   * A package reads the packages it depends on. Where a task of theirs comes first that counts all their
   * sources, its key tells of them; where none does (`test` without `^build`, or after a `^codegen` that
   * counts one schema), the sources themselves must count. Whoever lists `inputs` without `$default` has
   * said what counts.
   */
  #uncoveredSources(task: Task): TaskInputs['sources'] {
    const covered = this.#coveredBy(task);
    if (!countsAllSources(task)) return [];
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

  /** Packages of which some task that counts all their sources comes before this one. */
  #coveredBy(task: Task): ReadonlySet<Package> {
    const covered = new Set<Package>();
    for (const dependency of task.dependencies) {
      if (countsAllSources(dependency)) covered.add(dependency.package);
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

  #digestOfNamed(name: string): Digest | undefined {
    const each = this.#workspace.graph.get(name);
    return each && this.#digestOfSources(each);
  }

  #digestOfSources(each: Package): Digest {
    const locked = this.#workspace.locked.digestFor(each) ?? null;
    return digestOf(JSON.stringify([this.#filesOf(this.#sources.of(each)), locked]));
  }
}

/** Without a list of its own, or with one that only takes out or starts from the default. */
function countsAllSources({ inputs }: Task): boolean {
  return (
    inputs === undefined ||
    inputs.includes(DEFAULT_INPUTS) ||
    inputs.every((pattern) => pattern.startsWith('!'))
  );
}

/** For paths from the root, where `matches` takes them from the package's folder; what is outside of it does not match. */
function below({ directory }: Package, matches: PathMatcher): PathMatcher {
  if (directory === '') return matches;
  return (path) => path.startsWith(`${directory}/`) && matches(path.slice(directory.length + 1));
}

/** The folders that hold these files, and those above them up to the package's. */
function foldersOf(paths: readonly string[], directory: string): Set<string> {
  const folders = new Set([directory]);
  for (const path of paths)
    for (const folder of foldersAbove(path)) {
      if (folders.has(folder)) break;
      folders.add(folder);
      if (!folder.startsWith(`${directory}/`)) break;
    }
  return folders;
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
