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
  /** As written: what is shown, recorded and in the key. */
  readonly line: string;
  /** As the shell gets it, where `${VAR}` was filled in; may hold a secret, so it is shown and kept nowhere. */
  readonly filled?: string;
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
  /** Those that velocity.yml lists, and those of the command: its `line` does not tell their values. */
  readonly envKeys: readonly string[];
  /** Whether results may be kept and restored. */
  readonly cache: boolean;
  /** Whether outputs of earlier runs are removed before it runs. */
  readonly clean: boolean;
  /** Directly, by id. */
  readonly dependencies: readonly Task[];
}
