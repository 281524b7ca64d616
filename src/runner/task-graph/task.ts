import type { Package } from '../workspace/package.ts';

declare const taskIdBrand: unique symbol;

/** `package#task`. */
export type TaskId = string & { readonly [taskIdBrand]: true };

export function taskId(packageName: string, task: string): TaskId {
  return `${packageName}#${task}` as TaskId;
}

/** What a task runs, in order; every step through a shell, the first failing one ends it. */
export interface Command {
  /** `command` of velocity.yml, or a script of the package's manifest. */
  readonly kind: 'command' | 'script';
  readonly steps: readonly CommandStep[];
}

export interface CommandStep {
  /** The script's name (`prebuild`, `build`), or the task's. */
  readonly name: string;
  /** As the shell gets it. */
  readonly line: string;
}

/** One task of one package. */
export interface Task {
  readonly id: TaskId;
  readonly name: string;
  readonly package: Package;
  /** `undefined`: the package has nothing to run here; the task only passes its dependencies' keys on. */
  readonly command: Command | undefined;
  /** As written; `undefined` is the default. */
  readonly inputs: readonly string[] | undefined;
  readonly outputs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envKeys: readonly string[];
  /** Whether results may be kept and restored. */
  readonly cache: boolean;
  /** Whether outputs of earlier runs are removed before it runs. */
  readonly clean: boolean;
  /** Directly, by id. */
  readonly dependencies: readonly Task[];
}
