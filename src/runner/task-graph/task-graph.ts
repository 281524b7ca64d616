import { VelocityError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { unreachable } from '../../base/unreachable.ts';
import { variablesIn } from '../../config/interpolate.ts';
import type { Package } from '../workspace/package.ts';
import { ROOT_NAME } from '../workspace/packages.ts';
import type { TaskSettings } from '../workspace/velocity-file.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { PackageTasks } from './package-tasks.ts';
import { type Task, type TaskId, taskId } from './task.ts';
import { parseTaskReference } from './task-reference.ts';

export interface TaskGraph {
  /** Every task before those that depend on it. */
  readonly tasks: readonly Task[];
  /** Those that were asked for, not merely needed. */
  readonly requested: ReadonlySet<TaskId>;
}

export interface TaskGraphOptions {
  /** `build`, or `web#build` for one package. */
  readonly requested: readonly string[];
  /** The packages that `build` means. */
  readonly packages: readonly Package[];
  /** Arguments for the requested tasks' commands. */
  readonly extraArguments: readonly string[];
}

/**
 * The requested tasks and all they need.
 * @throws VelocityError `TASK_UNKNOWN`, or `TASK_CYCLE` with the path round.
 */
export function buildTaskGraph(workspace: Workspace, options: TaskGraphOptions): TaskGraph {
  const builder = new Builder(workspace, options.extraArguments);
  return builder.build(options.requested.flatMap((name) => builder.meaningOf(name, options.packages)));
}

class Builder {
  readonly #workspace: Workspace;
  readonly #pipeline: Readonly<Record<string, TaskSettings>>;
  readonly #packageTasks: PackageTasks;
  readonly #extraArguments: readonly string[];
  #requested: ReadonlySet<TaskId> = new Set();
  /** In the order they were finished, so every task stands behind those it needs. */
  readonly #done = new Map<TaskId, Task>();

  constructor(workspace: Workspace, extraArguments: readonly string[]) {
    this.#workspace = workspace;
    this.#pipeline = workspace.config.pipeline;
    this.#packageTasks = new PackageTasks(workspace);
    this.#extraArguments = extraArguments;
  }

  build(wanted: readonly (readonly [Package, string])[]): TaskGraph {
    this.#requested = new Set(wanted.map(([each, task]) => taskId(each.name, task)));
    for (const [each, task] of wanted) this.#visit(each, task, []);
    return { tasks: [...this.#done.values()], requested: this.#requested };
  }

  /** The tasks that a name on the command line asks for. */
  meaningOf(written: string, packages: readonly Package[]): (readonly [Package, string])[] {
    const reference = parseTaskReference(written);
    const { task } = reference;
    if (!this.#isKnown(task)) {
      const known = new Set(Object.keys(this.#pipeline).map((key) => key.split('#').at(-1) ?? key));
      const list = [...known].join(', ') || 'none';
      const hint = didYouMean(task, known) || `; it has ${list}`;
      throw new VelocityError('TASK_UNKNOWN', `The pipeline in velocity.yml has no task "${task}"${hint}.`);
    }
    if (reference.scope === 'package') return [[this.#package(reference.packageName), task]];

    const having = packages.filter(
      (each) => this.#mayMean(each, task) && this.#command(each, task) !== undefined,
    );
    // A task nothing runs gathers others: `ci: { depends_on: [build, test] }`.
    return (having.length > 0 ? having : packages.filter((each) => this.#mayMean(each, task))).map((each) => [
      each,
      task,
    ]);
  }

  #visit(each: Package, task: string, path: readonly TaskId[]): Task {
    const id = taskId(each.name, task);
    const done = this.#done.get(id);
    if (done) return done;
    if (path.includes(id)) {
      const round = [...path.slice(path.indexOf(id)), id].join(' → ');
      throw new VelocityError('TASK_CYCLE', `These tasks depend on each other in a circle: ${round}.`);
    }
    const settings = this.#packageTasks.settings(each, task);
    const variables = variablesIn(this.#packageTasks.commandText(each, task)?.written ?? '');
    const found = new Map<TaskId, Task>();
    for (const [other, otherTask] of this.#dependencies(each, settings)) {
      const dependency = this.#visit(other, otherTask, [...path, id]);
      found.set(dependency.id, dependency);
    }
    const dependencies = [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const node: Task = {
      id,
      name: task,
      package: each,
      command: this.#command(each, task),
      inputs: settings.inputs,
      outputs: settings.outputs ?? [],
      env: settings.env ?? {},
      envKeys: [...(settings.env_keys ?? []), ...variables],
      cache: settings.cache ?? true,
      clean: settings.clean ?? true,
      dependencies,
    };
    this.#done.set(id, node);
    return node;
  }

  #dependencies(each: Package, settings: TaskSettings): (readonly [Package, string])[] {
    return (settings.depends_on ?? []).flatMap((written): (readonly [Package, string])[] => {
      const reference = parseTaskReference(written);
      switch (reference.scope) {
        case 'same':
          return [[each, reference.task]];
        case 'package':
          return [[this.#package(reference.packageName), reference.task]];
        case 'dependencies':
          return this.#workspace.graph.dependenciesOf(each).map((other) => [other, reference.task]);
        default:
          return unreachable(reference);
      }
    });
  }

  #command(each: Package, task: string) {
    const extra = this.#requested.has(taskId(each.name, task)) ? this.#extraArguments : [];
    return this.#packageTasks.command(each, task, extra);
  }

  #isKnown(task: string): boolean {
    return Object.keys(this.#pipeline).some((key) => key === task || key.endsWith(`#${task}`));
  }

  /**
   * The root's scripts usually call this runner, so a bare task name leaves the root out, unless the
   * pipeline names it or the root is the only package.
   */
  #mayMean(each: Package, task: string): boolean {
    if (each.directory !== '' || this.#workspace.graph.packages.length === 1) return true;
    return this.#packageTasks.own(each, task) !== undefined;
  }

  #package(name: string): Package {
    const { graph } = this.#workspace;
    const found =
      name === ROOT_NAME ? graph.packages.find(({ directory }) => directory === '') : graph.get(name);
    if (found) return found;
    throw new VelocityError(
      'TASK_UNKNOWN',
      `There is no package "${name}" in this workspace${didYouMean(name, graph.names)}.`,
    );
  }
}
