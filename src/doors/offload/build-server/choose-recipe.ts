import { hostPlatform } from '../platform.ts';
import type { BuildSpec } from './build-spec.ts';
import { type Placeholder, placeholdersIn } from './placeholders.ts';
import type { Recipe } from './recipe-shape.ts';

/** A recipe that a spec is built by. */
export interface NamedRecipe {
  readonly name: string;
  readonly recipe: Recipe;
}

/** Whether the command is told this part of the spec. `{spec}` is all of it. */
export function sees({ command }: Pick<Recipe, 'command'>, part: Exclude<Placeholder, 'output'>): boolean {
  const names = command.flat().flatMap(placeholdersIn);
  return names.includes(part) || names.includes('spec');
}

/** The first recipe that is for the spec. */
export function chooseRecipe(
  recipes: Readonly<Record<string, Recipe>>,
  spec: BuildSpec,
): NamedRecipe | undefined {
  const found = Object.entries(recipes).find(([, recipe]) => isFor(recipe, spec));
  return found && { name: found[0], recipe: found[1] };
}

/**
 * Whether it matches, and whether nothing is asked for that it could not know of: a command that is not told of the plugins
 * would build without them, and nobody would see it.
 */
function isFor(recipe: Recipe, spec: BuildSpec): boolean {
  const { match } = recipe;
  const host = hostPlatform();
  const seesAll = sees(recipe, 'spec');
  return (
    accepts(match.os, spec.os, sees(recipe, 'os') || spec.os === host.os) &&
    accepts(match.arch, spec.arch, sees(recipe, 'arch') || spec.arch === host.arch) &&
    accepts(match.rr_version, spec.rrVersion, true) &&
    spec.plugins.every(({ module }) => accepts(match.plugins, module, true)) &&
    (spec.plugins.length === 0 || sees(recipe, 'plugins')) &&
    (match.race === undefined ? !spec.race || seesAll : match.race === spec.race) &&
    (match.debug === undefined ? !spec.debug || seesAll : match.debug === spec.debug) &&
    (seesAll || spec.replaces.length + spec.excludes.length === 0)
  );
}

/** @param otherwise where no globs are given */
function accepts(globs: readonly string[] | undefined, text: string, otherwise: boolean): boolean {
  return globs?.some((glob) => matches(glob, text)) ?? otherwise;
}

/** Without regular expressions, and so without their worst case. `*` stands for any text, be it empty. */
function matches(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  const end = text.length - last.length;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
