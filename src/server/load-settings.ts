import { readFileSync } from 'node:fs';
import { authMistakes } from '../auth/settings.ts';
import { messageOf } from '../base/errors.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { type Resolution, resolveSettings } from '../config/resolve-settings.ts';
import { parseYaml, type YamlFile } from '../config/yaml-file.ts';
import type { StorageSettings } from '../storage/settings.ts';
import { type ServerSettings, serverSettings } from './settings.ts';

export interface SettingsSources {
  readonly flags: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
  /** Paths of YAML files; a later one goes before an earlier one. */
  readonly configFiles: readonly string[];
}

/** The server's settings from flags, environment and files; all mistakes at once. */
export function loadServerSettings(sources: SettingsSources): Checked<Resolution<typeof serverSettings>> {
  const loaded = load(sources);
  if (!loaded.ok) return loaded;
  const mistakes = authMistakes(loaded.value.values);
  return mistakes.length > 0 ? { ok: false, mistakes } : loaded;
}

/** What work on the storage without a server needs. */
export type OperatorSettings = StorageSettings & Pick<ServerSettings, 'auditFile'>;

/** For work on the storage without a server: the same sources, but nobody has to be let in. */
export function loadStorageSettings(sources: SettingsSources): Checked<OperatorSettings> {
  const loaded = load(sources);
  return loaded.ok ? { ok: true, value: loaded.value.values } : loaded;
}

function load({ flags, env, configFiles }: SettingsSources): Checked<Resolution<typeof serverSettings>> {
  const files: YamlFile[] = [];
  const mistakes: Mistake[] = [];
  for (const path of configFiles) {
    const parsed = readYaml(path, env);
    if (parsed.ok) files.push(parsed.value);
    else mistakes.push(...parsed.mistakes);
  }
  return mistakes.length > 0
    ? { ok: false, mistakes }
    : resolveSettings(serverSettings, { flags, env, files });
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
