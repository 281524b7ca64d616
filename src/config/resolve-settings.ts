import { didYouMean } from '../base/suggest.ts';
import {
  contradictions,
  endingsOf,
  flagRank,
  fromFiles,
  fromVariables,
  type Layers,
  nestedVariables,
  parseRaw,
  type RawValue,
  type ValueVariable,
} from './layers.ts';
import type { Checked, Mistake } from './mistake.ts';
import { variablePrefixes } from './named-settings.ts';
import { envName, envNames, flagName, type Setting, type Settings, type Values } from './setting.ts';
import type { YamlFile } from './yaml-file.ts';

/** Where a value came from. */
export type Source = Pick<RawValue, 'rank' | 'mistake'>;

export interface Resolution<S extends Settings> {
  readonly values: Values<S>;
  /** Per setting, where its value came from: `--port`, `VC_PORT`, `velocity-server.yml:3:7`, `default`, `not set`. */
  readonly origins: Readonly<Record<keyof S, string>>;
  /** The same, for what depends on which value is the stronger one. */
  readonly sources: Readonly<Record<keyof S, Source>>;
}

/**
 * Layers the settings. All mistakes come back together; none is guessed around.
 * @param sections keys that somebody else reads, with all that is below them
 */
export function resolveSettings<S extends Settings>(
  settings: S,
  layers: Layers,
  sections: readonly string[] = [],
): Checked<Resolution<S>> {
  const mistakes: Mistake[] = [
    ...wrongVariables(settings, layers, sections),
    ...layers.files.flatMap((file) => unknownFileKeys(settings, file, sections)),
  ];
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const sources: Record<string, Source> = {};

  for (const [name, setting] of Object.entries(settings)) {
    const raw =
      fromFlag(setting, layers) ??
      fromVariables(variablesOf(setting, layers), layers, mistakes) ??
      fromFiles(setting.key.split('.'), layers);
    const source = envName(setting);
    sources[name] = raw ?? { rank: 0, mistake: (message) => ({ message, source }) };
    if (raw === undefined) {
      values[name] = setting.default;
      origins[name] = setting.default === undefined ? 'not set' : 'default';
      if (setting.required !== undefined) mistakes.push({ message: setting.required, source });
      continue;
    }
    values[name] = parseRaw(setting, setting.key, raw, mistakes);
    origins[name] = raw.origin;
  }

  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, value: { values, origins, sources } as Resolution<S> };
}

function fromFlag(setting: Setting<unknown>, layers: Layers): RawValue | undefined {
  const name = (layers.flagOf ?? flagName)(setting);
  const value = name === undefined ? undefined : layers.flags.get(name);
  if (name === undefined || value === undefined) return undefined;
  return {
    value,
    origin: name,
    rank: flagRank(layers),
    mistake: (message) => ({ message, source: name }),
  };
}

/** Strongest first. In a nested name small letters count as capitals. */
function variablesOf(setting: Setting<unknown>, layers: Layers): readonly ValueVariable[] {
  const endings = endingsOf(setting);
  const named = (name: string): ValueVariable[] =>
    endings.map((ending) => ({ name: name + ending, isFile: ending !== '' }));
  const nested = nestedVariables(layers).flatMap(({ name, path }) => {
    const ending = endings.find((each) => keyIn(path) === setting.key + each.toLowerCase());
    return ending === undefined ? [] : [{ name, isFile: ending !== '' }];
  });
  return [...envNames(setting).flatMap(named), ...nested, ...(setting.envAliases ?? []).flatMap(named)];
}

function keyIn(path: readonly string[]): string {
  return path.join('.').toLowerCase();
}

function wrongVariables(settings: Settings, layers: Layers, sections: readonly string[]): Mistake[] {
  const all = Object.values(settings);
  const known = all.flatMap((setting) =>
    endingsOf(setting).flatMap((ending) => envNames(setting).map((name) => name + ending)),
  );
  const keys = all.flatMap((setting) =>
    endingsOf(setting).map((ending) => setting.key + ending.toLowerCase()),
  );
  const nested = nestedVariables(layers);
  const nestedNames = new Set(nested.map(({ name }) => name));
  const flat = Object.keys(layers.env).filter(
    (name) =>
      name.startsWith('VC_') &&
      !nestedNames.has(name) &&
      !known.includes(name) &&
      !sections.some((section) => variablePrefixes(section).some((prefix) => name.startsWith(prefix))),
  );
  const own = nested.filter(({ path }) => !isBelow(path, sections));
  return [
    ...contradictions(
      own.map(({ name, prefix, path }) => ({ name, means: prefix + keyIn(path) })),
      layers,
    ),
    ...flat.map((name) => ({ message: `there is no such setting${didYouMean(name, known)}`, source: name })),
    ...own
      .filter(({ path }) => !keys.includes(keyIn(path)))
      .map(({ name, prefix }) => {
        const meant = keys.map((key) => prefix + key.replaceAll('.', '__').toUpperCase());
        return { message: `there is no such setting${didYouMean(name, meant)}`, source: name };
      }),
  ];
}

function isBelow(path: readonly string[], sections: readonly string[]): boolean {
  return sections.some((section) => keyIn(path).startsWith(`${section}.`));
}

function unknownFileKeys(settings: Settings, file: YamlFile, sections: readonly string[]): Mistake[] {
  if (file.data === null || file.data === undefined) return [];
  const keys = Object.values(settings).map((setting) => setting.key);
  const suggested = [...keys, ...sections];
  const mistakes: Mistake[] = [];
  const visit = (data: unknown, path: readonly string[]): void => {
    const key = path.join('.');
    const step = path.at(-1);
    if (sections.includes(key)) return;
    if (step?.includes('.')) {
      const message = `unknown key "${step}": the parts of a key are maps within maps, not joined by dots`;
      mistakes.push({ message, position: file.positionOf(path, 'key') });
      return;
    }
    if (keys.includes(key)) return;
    const isSection = path.length === 0 || suggested.some((known) => known.startsWith(`${key}.`));
    if (isSection && typeof data === 'object' && data !== null && !Array.isArray(data)) {
      for (const [step, value] of Object.entries(data)) visit(value, [...path, step]);
      return;
    }
    if (isSection && data === null) return;
    const message = isSection
      ? `${key || 'the file'}: expected a map`
      : `unknown key "${key}"${didYouMean(key, suggested)}`;
    mistakes.push({ message, position: file.positionOf(path, isSection ? 'value' : 'key') });
  };
  visit(file.data, []);
  return mistakes;
}
