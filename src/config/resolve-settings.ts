import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { isSecretKind } from './kinds.ts';
import type { Checked, Mistake } from './mistake.ts';
import { envName, envNames, flagName, type Setting, type Settings, type Values } from './setting.ts';
import type { YamlFile } from './yaml-file.ts';

/** Where values may come from, strongest first: flags, environment, files; then the default. */
export interface Layers {
  /** Flag values by flag name, `--port` → `9000`. */
  readonly flags: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
  /** A later one goes before an earlier one, key by key. */
  readonly files: readonly YamlFile[];
}

export interface Resolution<S extends Settings> {
  readonly values: Values<S>;
  /** Per setting, where its value came from: `--port`, `VC_PORT`, `velocity-server.yml:3:7`, `default`, `not set`. */
  readonly origins: Readonly<Record<keyof S, string>>;
}

/** One value found in one layer, not yet parsed. */
interface Raw {
  readonly value: unknown;
  readonly origin: string;
  readonly mistake: (message: string) => Mistake;
}

/** Layers the settings. All mistakes come back together; none is guessed around. */
export function resolveSettings<S extends Settings>(settings: S, layers: Layers): Checked<Resolution<S>> {
  const mistakes: Mistake[] = [
    ...unknownEnvNames(settings, layers.env),
    ...layers.files.flatMap((file) => unknownFileKeys(settings, file)),
  ];
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};

  for (const [name, setting] of Object.entries(settings)) {
    const raw = fromFlag(setting, layers) ?? fromEnv(setting, layers, mistakes) ?? fromFiles(setting, layers);
    if (raw === undefined) {
      values[name] = setting.default;
      origins[name] = setting.default === undefined ? 'not set' : 'default';
      if (setting.required !== undefined)
        mistakes.push({ message: setting.required, source: envName(setting) });
      continue;
    }
    const value: unknown = setting.kind.parse(raw.value);
    if (value === undefined) {
      const found = isSecretKind(setting.kind) ? 'a value that is not shown here' : JSON.stringify(raw.value);
      mistakes.push(raw.mistake(`${setting.key}: expected ${setting.kind.expects}, found ${found}`));
    }
    values[name] = value;
    origins[name] = raw.origin;
  }

  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, value: { values: values as Values<S>, origins: origins as Record<keyof S, string> } };
}

function fromFlag(setting: Setting<unknown>, { flags }: Layers): Raw | undefined {
  const name = flagName(setting);
  const value = flags.get(name);
  if (value === undefined) return undefined;
  return { value, origin: name, mistake: (message) => ({ message, source: name }) };
}

/** An empty variable counts as not set: compose files and CI systems often pass them through empty. */
function fromEnv(setting: Setting<unknown>, { env }: Layers, mistakes: Mistake[]): Raw | undefined {
  for (const name of [...envNames(setting), ...(setting.envAliases ?? [])]) {
    const value = env[name];
    if (value) return { value, origin: name, mistake: (message) => ({ message, source: name }) };
    if (!isSecretKind(setting.kind)) continue;

    const fileVariable = `${name}_FILE`;
    const path = env[fileVariable];
    if (!path) continue;
    const mistake = (message: string): Mistake => ({ message, source: fileVariable });
    try {
      return { value: readFileSync(path, 'utf8').trim(), origin: fileVariable, mistake };
    } catch (error) {
      mistakes.push(mistake(`cannot read the file it names: ${messageOf(error)}`));
      return { value: 'unread', origin: fileVariable, mistake };
    }
  }
  return undefined;
}

function fromFiles(setting: Setting<unknown>, { files }: Layers): Raw | undefined {
  for (const file of files.toReversed()) {
    const raw = fromFile(setting, file);
    if (raw) return raw;
  }
  return undefined;
}

function fromFile(setting: Setting<unknown>, file: YamlFile): Raw | undefined {
  const path = setting.key.split('.');
  let value: unknown = file.data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  if (value === null || value === '') return undefined;
  const position = file.positionOf(path, 'value');
  return {
    value,
    origin: `${position.file}:${position.line}:${position.column}`,
    mistake: (message) => ({ message, position }),
  };
}

function unknownEnvNames(settings: Settings, env: NodeJS.ProcessEnv): Mistake[] {
  const known = Object.values(settings).flatMap((setting) => {
    const names = envNames(setting);
    return isSecretKind(setting.kind) ? names.flatMap((name) => [name, `${name}_FILE`]) : names;
  });
  return Object.keys(env)
    .filter((name) => name.startsWith('VC_') && !known.includes(name))
    .map((name) => ({ message: `there is no such setting${didYouMean(name, known)}`, source: name }));
}

function unknownFileKeys(settings: Settings, file: YamlFile): Mistake[] {
  if (file.data === null || file.data === undefined) return [];
  const keys = Object.values(settings).map((setting) => setting.key);
  const mistakes: Mistake[] = [];
  const visit = (data: unknown, path: readonly string[]): void => {
    const key = path.join('.');
    const step = path.at(-1);
    if (step?.includes('.')) {
      const message = `unknown key "${step}": the parts of a key are maps within maps, not joined by dots`;
      mistakes.push({ message, position: file.positionOf(path, 'key') });
      return;
    }
    if (keys.includes(key)) return;
    const isSection = path.length === 0 || keys.some((known) => known.startsWith(`${key}.`));
    if (isSection && typeof data === 'object' && data !== null && !Array.isArray(data)) {
      for (const [step, value] of Object.entries(data)) visit(value, [...path, step]);
      return;
    }
    if (isSection && data === null) return;
    const message = isSection
      ? `${key || 'the file'}: expected a map`
      : `unknown key "${key}"${didYouMean(key, keys)}`;
    mistakes.push({ message, position: file.positionOf(path, isSection ? 'value' : 'key') });
  };
  visit(file.data, []);
  return mistakes;
}
