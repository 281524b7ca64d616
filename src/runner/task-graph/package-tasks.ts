import type { Package } from '../workspace/package.ts';
import { ROOT_NAME } from '../workspace/packages.ts';
import type { TaskSettings } from '../workspace/velocity-file.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { type Command, taskId } from './task.ts';
import { commandOf } from './task-command.ts';
import { parseTaskReference } from './task-reference.ts';

/** What the pipeline means for one package: `web#build` over `build`, and only what the package can run. */
export class PackageTasks {
  readonly #pipeline: Readonly<Record<string, TaskSettings>>;
  readonly #packageManager: Workspace['packageManager'];

  constructor({ config, packageManager }: Pick<Workspace, 'config' | 'packageManager'>) {
    this.#pipeline = config.pipeline;
    this.#packageManager = packageManager;
  }

  /** `web#build` changes single settings of `build`. */
  settings(each: Package, task: string): TaskSettings {
    return { ...this.#pipeline[task], ...this.own(each, task) };
  }

  /** What the pipeline says of this package's task alone. */
  own(each: Package, task: string): TaskSettings | undefined {
    const asRoot = each.directory === '' ? this.#pipeline[taskId(ROOT_NAME, task)] : undefined;
    return asRoot ?? this.#pipeline[taskId(each.name, task)];
  }

  /** @param extra arguments after `--` */
  command(each: Package, task: string, extra: readonly string[] = []): Command | undefined {
    const { command } = this.settings(each, task);
    return commandOf(each, task, command, this.#packageManager?.name, extra);
  }

  /** The tasks of the pipeline that the package can run. */
  names(each: Package): string[] {
    const names = new Set(Object.keys(this.#pipeline).map((key) => parseTaskReference(key).task));
    return [...names].filter((task) => this.command(each, task) !== undefined);
  }

  /** The output patterns of every task the package can run, whether it runs now or not. */
  outputs(each: Package): string[] {
    return this.names(each).flatMap((task) => this.settings(each, task).outputs ?? []);
  }
}
