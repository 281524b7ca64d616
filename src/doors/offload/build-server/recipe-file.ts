import { basename, resolve } from 'node:path';
import type * as z from 'zod';
import { checkShape } from '../../../config/check-shape.ts';
import type { Checked, Mistake } from '../../../config/mistake.ts';
import type { YamlFile } from '../../../config/yaml-file.ts';
import { sees } from './choose-recipe.ts';
import { OUR_FILES } from './output-record.ts';
import { PLACEHOLDERS, placeholdersIn } from './placeholders.ts';
import { type BuildServerFile, buildServerSchema, type Recipe } from './recipe-shape.ts';

/** All mistakes at once, each with its line. */
export function readRecipeFile(file: YamlFile): Checked<BuildServerFile> {
  const checked = checkShape(file, buildServerSchema as z.ZodType<BuildServerFile>);
  if (!checked.ok) return checked;
  const mistakes = Object.entries(checked.value.recipes).flatMap(([name, given]) =>
    recipeMistakes(given).map(
      ({ at, message }): Mistake => ({
        message: `recipes.${name}: ${message}`,
        position: file.positionOf(['recipes', name, ...at], 'value'),
      }),
    ),
  );
  return mistakes.length > 0 ? { ok: false, mistakes } : checked;
}

/** What the file names by a relative path is beside the file. */
export function besideFile(given: BuildServerFile, folder: string): BuildServerFile {
  const settle = (recipe: Recipe): Recipe => ({
    ...recipe,
    files: recipe.files.map((file) =>
      'copy' in file ? { ...file, copy: resolve(folder, file.copy) } : file,
    ),
  });
  const recipes = Object.entries(given.recipes).map(([name, recipe]) => [name, settle(recipe)]);
  return { ...given, recipes: Object.fromEntries(recipes) };
}

interface RecipeMistake {
  readonly at: readonly PropertyKey[];
  readonly message: string;
}

function recipeMistakes(recipe: Recipe): RecipeMistake[] {
  const mistakes: RecipeMistake[] = [];
  recipe.command.forEach((item, index) => {
    const names = [item].flat().flatMap(placeholdersIn);
    const at = ['command', index];
    for (const name of names) {
      if (PLACEHOLDERS.some((known) => known === name)) continue;
      mistakes.push({
        at,
        message: `there is no {${name}}; known are ${PLACEHOLDERS.map((each) => `{${each}}`).join(', ')}`,
      });
    }
    if (Array.isArray(item) && !names.includes('plugins')) {
      mistakes.push({
        at,
        message: 'a list of arguments stands there once for each plugin: expected {plugins} in it',
      });
    }
  });
  const [program] = recipe.command;
  if (
    typeof program !== 'string' ||
    placeholdersIn(program).length > 0 ||
    program === '' ||
    program.startsWith('-')
  ) {
    mistakes.push({ at: ['command', 0], message: 'expected a program, without placeholders' });
  }
  if (OUR_FILES.some((name) => name === basename(recipe.output))) {
    const message = `${OUR_FILES.join(' and ')} stand beside the binary: expected another name`;
    mistakes.push({ at: ['output'], message });
  }
  if (!sees(recipe, 'rr_version') && recipe.match.rr_version === undefined) {
    const message =
      'nothing of it depends on the version: every version would be the same binary. Use {rr_version} or {spec}, or match.rr_version';
    mistakes.push({ at: ['command'], message });
  }
  return mistakes;
}
