import type { Package } from '../workspace/package.ts';
import type { PackageManagerName } from '../workspace/package-manager.ts';
import type { Command, CommandStep } from './task.ts';

/** `command` of velocity.yml, before and after `${VAR}` was filled in. */
export interface CommandText {
  readonly written: string;
  readonly filled: string;
}

/**
 * What runs for a task: the pipeline's command, else the package's own script, with its
 * `pre` and `post` scripts where the package manager runs them too.
 * @param extra arguments after `--`, added to the main step
 */
export function commandOf(
  each: Package,
  task: string,
  command: CommandText | undefined,
  packageManager: PackageManagerName | undefined,
  extra: readonly string[],
): Command | undefined {
  const withExtra = (line: string): string => [line, ...extra.map(quoteForShell)].join(' ');
  if (command !== undefined) {
    const { written, filled } = command;
    const line = withExtra(written);
    const step = written === filled ? { name: task, line } : { name: task, line, filled: withExtra(filled) };
    return { kind: 'command', steps: [step] };
  }

  const { scripts } = each.manifest;
  const line = Object.hasOwn(scripts, task) ? scripts[task] : undefined;
  if (line === undefined) return undefined;
  const around = (name: string): CommandStep[] => {
    // Yarn 2 and later runs no pre and post scripts; yarn 1 does, but what runs must not depend on guessing which it is.
    const found = packageManager === 'yarn' || !Object.hasOwn(scripts, name) ? undefined : scripts[name];
    return found === undefined ? [] : [{ name, line: found }];
  };
  return {
    kind: 'script',
    steps: [...around(`pre${task}`), { name: task, line: withExtra(line) }, ...around(`post${task}`)],
  };
}

/** As one word of a POSIX shell. */
export function quoteForShell(argument: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
