import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { type Resolution, resolveSettings } from '../config/resolve-settings.ts';
import type { Setting, Settings } from '../config/setting.ts';
import { parseYaml, type YamlFile } from '../config/yaml-file.ts';
import type { StorageSettings } from '../storage/settings.ts';
import { serverSettings } from './settings.ts';

export interface SettingsSources {
  readonly flags: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
  /** Paths of YAML files; a later one goes before an earlier one. */
  readonly configFiles: readonly string[];
}

/** The server's settings from flags, environment and file; all mistakes at once. */
export function loadServerSettings(sources: SettingsSources): Checked<Resolution<typeof serverSettings>> {
  return load(serverSettings, sources);
}

/** For work on the storage without a server: the same sources, but what only a server needs may be missing. */
export function loadStorageSettings(sources: SettingsSources): Checked<StorageSettings> {
  const settings = Object.entries<Setting<unknown>>(serverSettings).map(([name, setting]) => {
    const { required: _, ...optional } = setting;
    return [name, optional] as const;
  });
  const loaded = load(Object.fromEntries(settings) as typeof serverSettings, sources);
  return loaded.ok ? { ok: true, value: loaded.value.values } : loaded;
}

function load<S extends Settings>(settings: S, sources: SettingsSources): Checked<Resolution<S>> {
  const { flags, env, configFiles } = sources;
  const files: YamlFile[] = [];
  const mistakes: Mistake[] = [];
  for (const path of configFiles) {
    const parsed = readYaml(path, env);
    if (parsed.ok) files.push(parsed.value);
    else mistakes.push(...parsed.mistakes);
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : resolveSettings(settings, { flags, env, files });
}

function readYaml(path: string, env: NodeJS.ProcessEnv): Checked<YamlFile> {
  try {
    return parseYaml(path, readFileSync(path, 'utf8'), env);
  } catch (error) {
    return {
      ok: false,
      mistakes: [{ message: `cannot read ${path}: ${messageOf(error)}`, source: '--config' }],
    };
  }
}
