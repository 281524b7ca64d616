import type { Package } from '../workspace/package.ts';
import { ROOT_NAME } from '../workspace/packages.ts';
import type { TaskSettings } from '../workspace/velocity-file.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { type Command, taskId } from './task.ts';
import { type CommandText, commandOf } from './task-command.ts';
import { parseTaskReference } from './task-reference.ts';

type PipelineOf = Pick<Workspace, 'config' | 'file' | 'packageManager'>;

/** What the pipeline means for one package: `web#build` over `build`, and only what the package can run. */
export class PackageTasks {
  readonly #workspace: PipelineOf;
  readonly #pipeline: Readonly<Record<string, TaskSettings>>;

  constructor(workspace: PipelineOf) {
    this.#workspace = workspace;
    this.#pipeline = workspace.config.pipeline;
  }

  /** `web#build` changes single settings of `build`. */
  settings(each: Package, task: string): TaskSettings {
    return { ...this.#pipeline[task], ...this.own(each, task) };
  }

  /** What the pipeline says of this package's task alone. */
  own(each: Package, task: string): TaskSettings | undefined {
    return this.#pipeline[this.#ownName(each, task)];
  }

  /** @param extra arguments after `--` */
  command(each: Package, task: string, extra: readonly string[] = []): Command | undefined {
    const text = this.commandText(each, task);
    return commandOf(each, task, text, this.#workspace.packageManager?.name, extra);
  }

  /** `command` of velocity.yml, where it has one for this task. */
  commandText(each: Package, task: string): CommandText | undefined {
    for (const name of [this.#ownName(each, task), task]) {
      const filled = this.#pipeline[name]?.command;
      if (filled === undefined) continue;
      const written = this.#workspace.file.writtenAt(['pipeline', name, 'command']);
      return { written: written ?? filled, filled };
    }
    return undefined;
  }

  #ownName(each: Package, task: string): string {
    const asRoot = taskId(ROOT_NAME, task);
    return each.directory === '' && this.#pipeline[asRoot] ? asRoot : taskId(each.name, task);
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
