import { outputBases } from '../archiver/outputs.ts';
import { PackageTasks } from '../task-graph/package-tasks.ts';
import { type Task, type TaskId, taskId } from '../task-graph/task.ts';
import type { Package } from '../workspace/package.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** An output folder, and the tasks of the package that write below it. */
interface Place {
  /** From the package's folder; `''` is the package itself. */
  readonly base: string;
  readonly tasks: ReadonlySet<string>;
}

/**
 * Which tasks of a package write into the same folders (`build: dist/**` and `types: dist/types/**`).
 * Such tasks never work at the same time, and neither takes the other's files for its own.
 */
export class SharedOutputs {
  readonly #packageTasks: PackageTasks;
  readonly #places = new Map<Package, readonly Place[]>();

  constructor(workspace: Pick<Workspace, 'config' | 'file' | 'packageManager'>) {
    this.#packageTasks = new PackageTasks(workspace);
  }

  /** The folders a task writes below, widened to those of the tasks it shares them with; from the workspace root, sorted. */
  placesOf(task: Task): string[] {
    const { directory } = task.package;
    return this.#placesWith(task).map(({ base }) => [directory, base].filter(Boolean).join('/'));
  }

  /** The package's other tasks that write into the same folders. */
  siblingsOf(task: Task): TaskId[] {
    const names = new Set(this.#placesWith(task).flatMap(({ tasks }) => [...tasks]));
    names.delete(task.name);
    return [...names].map((name) => taskId(task.package.name, name));
  }

  #placesWith(task: Task): Place[] {
    return this.#placesIn(task.package).filter(({ tasks }) => tasks.has(task.name));
  }

  #placesIn(each: Package): readonly Place[] {
    let places = this.#places.get(each);
    if (!places) {
      places = this.#findPlaces(each);
      this.#places.set(each, places);
    }
    return places;
  }

  #findPlaces(each: Package): Place[] {
    const outermost = outputBases(this.#packageTasks.outputs(each)).sort();
    const basesOf = this.#packageTasks
      .names(each)
      .map((name) => [name, outputBases(this.#packageTasks.settings(each, name).outputs ?? [])] as const);
    return outermost.map((base) => {
      const isBelow = (other: string): boolean =>
        base === '' || other === base || other.startsWith(`${base}/`);
      const tasks = basesOf.flatMap(([name, bases]) => (bases.some(isBelow) ? [name] : []));
      return { base, tasks: new Set(tasks) };
    });
  }
}
