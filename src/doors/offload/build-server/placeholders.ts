import type { BuildSpec } from './build-spec.ts';

export const PLACEHOLDERS = ['rr_version', 'os', 'arch', 'output', 'spec', 'plugins'] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

const PLACEHOLDER = /\{([a-z_]+)\}/g;

/** Names in braces; other braces are text. */
export function placeholdersIn(argument: string): string[] {
  return [...argument.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

/** An argument, or arguments that stand there once for each plugin. */
export type CommandItem = string | readonly string[];

interface Places {
  /** Where the command is to put the binary. */
  readonly output: string;
  /** Where the spec is, as JSON. */
  readonly spec: string;
}

/**
 * The program and its arguments. A value is always one argument or a part of one. What has `{plugins}` in it stands there
 * once for each plugin, in the spec's order, with `module@tag`; without plugins it does not stand there.
 */
export function fillIn(command: readonly CommandItem[], spec: BuildSpec, places: Places): string[] {
  const values: Readonly<Record<string, string>> = {
    rr_version: spec.rrVersion,
    os: spec.os,
    arch: spec.arch,
    output: places.output,
    spec: places.spec,
  };
  return command.flatMap((item) => {
    const args = [item].flat();
    if (!args.some((argument) => placeholdersIn(argument).includes('plugins')))
      return args.map((each) => fill(each, values));
    return spec.plugins.flatMap(({ module, tag }) =>
      args.map((each) => fill(each, { ...values, plugins: `${module}@${tag}` })),
    );
  });
}

/** In one pass: what a value has in it is not looked at again. */
function fill(argument: string, values: Readonly<Record<string, string>>): string {
  return argument.replaceAll(PLACEHOLDER, (text, name: string) => values[name] ?? text);
}
