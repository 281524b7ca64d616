import { existsSync, readFileSync } from 'node:fs';
import { authMistakes, presignKeyMistakes } from '../auth/settings.ts';
import { messageOf } from '../base/errors.ts';
import { pageSizeMistakes } from '../cache/settings.ts';
import type { FlagOf, Layers } from '../config/layers.ts';
import { secretNames } from '../config/mask-secrets.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { resolveNamed } from '../config/resolve-named.ts';
import { type Resolution, resolveSettings } from '../config/resolve-settings.ts';
import { withSectionAliases } from '../config/section-alias.ts';
import { parseYaml, type YamlFile } from '../config/yaml-file.ts';
import { type GivenMount, mountSettings, readMountSettings } from '../doors/files/mounts/mount-settings.ts';
import type { ConfiguredMount } from '../doors/files/mounts/mount-table.ts';
import { offloadMistakes } from '../doors/offload/settings.ts';
import { backendSettings } from '../doors/proxy/backends/backend-settings.ts';
import { policyMistakes } from '../doors/proxy/policy/settings.ts';
import type { FilesSettings } from '../files/settings.ts';
import { type NamedStoreSettings, storeSettings } from '../storage/bucket-settings.ts';
import { type NamedStore, readBuckets } from '../storage/read-buckets.ts';
import type { StorageSettings } from '../storage/settings.ts';
import { settleListen } from './listen-address.ts';
import { DEMO_BACKEND, type LoadedBackends, loadBackends } from './load-backends.ts';
import { RESERVED_NAMES } from './reserved-names.ts';
import { type ServerSettings, serverSectionAliases, serverSettings } from './settings.ts';

/** What stands before secrets in a file of settings, for whoever shows lines of one. */
export const SECRET_NAMES: readonly string[] = secretNames(
  serverSettings,
  ...Object.values(storeSettings.types),
);

export interface SettingsSources {
  readonly flags: ReadonlyMap<string, string>;
  /** For commands whose flags are called otherwise. */
  readonly flagOf?: FlagOf;
  readonly env: NodeJS.ProcessEnv;
  /** Paths of YAML files; a later one goes before an earlier one. */
  readonly configFiles: readonly string[];
  /**
   * `--config env`: a whole file may be in `VC_CONFIG`, and the variables of cachegate are read too: `CACHEGATE_CONFIG`
   * and `CACHEGATE__…`. Those that name one key go before a whole file, and ours before those.
   */
  readonly fromEnv?: boolean;
}

export interface LoadedSettings extends Resolution<typeof serverSettings>, LoadedBackends {
  /** The stores of the object gateway by name; none: there is no object gateway. */
  readonly stores: ReadonlyMap<string, NamedStoreSettings>;
  /** The same as they were given, with the origin of each value. */
  readonly givenStores: readonly NamedStore[];
  /** Folders of the files that are stores. */
  readonly mounts: readonly ConfiguredMount[];
  readonly givenMounts: readonly GivenMount[];
}

/** The server's settings from flags, environment and files; all mistakes at once. */
export function loadServerSettings(sources: SettingsSources): Checked<LoadedSettings> {
  const loaded = load(sources);
  if (!loaded.ok) return loaded;
  const { values, stores } = loaded.value;
  const mistakes = authMistakes(values, stores.size > 0, values.filesRoot !== undefined);
  return mistakes.length > 0 ? { ok: false, mistakes } : loaded;
}

/** For the proxy alone: nobody has to be let in, and there is a backend. */
export function loadProxySettings(sources: SettingsSources): Checked<LoadedSettings> {
  const loaded = load(sources);
  if (!loaded.ok) return loaded;
  const { backends, values } = loaded.value;
  const policyPath = values.policyPath ?? (existsSync(USUAL_POLICY) ? USUAL_POLICY : undefined);
  const value = { ...loaded.value, values: { ...values, policyPath } };
  return { ok: true, value: backends.length > 0 ? value : { ...value, backends: [DEMO_BACKEND] } };
}

/** Where github.com/JYC11/velocity looks for a policy if nobody says otherwise. */
const USUAL_POLICY = 'policy.wasm';

/** What work on the storage without a server needs. */
export type OperatorSettings = StorageSettings & FilesSettings & Pick<ServerSettings, 'auditFile'>;

/** For work on the storage without a server: the same sources, but nobody has to be let in. */
export function loadStorageSettings(sources: SettingsSources): Checked<OperatorSettings> {
  const loaded = load(sources);
  return loaded.ok ? { ok: true, value: loaded.value.values } : loaded;
}

/** What signing a URL of the object gateway needs; nobody has to be let in here either. */
export type SigningSettings = Pick<ServerSettings, 'publicUrl' | 'presignPrivateKey'> &
  Pick<LoadedSettings, 'stores'>;

export function loadSigningSettings(sources: SettingsSources): Checked<SigningSettings> {
  const loaded = load(sources);
  if (!loaded.ok) return loaded;
  const { values, stores } = loaded.value;
  return { ok: true, value: { ...values, stores } };
}

/** Names of variables that hold a whole file, the weakest first. */
const WHOLE_FILES = ['CACHEGATE_CONFIG', 'VC_CONFIG'] as const;

function load({
  flags,
  flagOf,
  env,
  configFiles,
  fromEnv = false,
}: SettingsSources): Checked<LoadedSettings> {
  const read = [
    ...configFiles.map((path) => readYaml(path, env)),
    ...(fromEnv ? WHOLE_FILES.flatMap((name) => (env[name] ? [parseYaml(name, env[name], env)] : [])) : []),
  ].map((file) => (file.ok ? withSectionAliases(file.value, serverSectionAliases) : file));
  const unread = read.flatMap(mistakesOf);
  if (unread.length > 0) return { ok: false, mistakes: unread };

  const { VC_CONFIG: wholeFile, ...named } = env;
  const layers: Layers = {
    flags,
    flagOf,
    env: named,
    files: read.flatMap((file): YamlFile[] => (file.ok ? [file.value] : [])),
    nestedPrefixes: fromEnv ? ['VC__', 'CACHEGATE__'] : ['VC__'],
  };
  const resolved = resolveSettings(serverSettings, layers, [
    storeSettings.key,
    mountSettings.key,
    backendSettings.key,
  ]);
  const settled = resolved.ok ? settleListen(resolved.value) : resolved;
  const given = resolveNamed(storeSettings, layers);
  const buckets = given.ok ? readBuckets(given.value) : given;
  const givenMounts = resolveNamed(mountSettings, layers);
  const storeNames = given.ok ? given.value.map(({ name }) => name) : [];
  const mounts = givenMounts.ok && given.ok ? readMountSettings(givenMounts.value, storeNames) : givenMounts;
  const proxied = loadBackends(resolved, layers);
  const mistakes = [
    ...(wholeFile && !fromEnv ? [NOT_READ] : []),
    ...mistakesOf(settled),
    ...(resolved.ok ? presignKeyMistakes(resolved.value) : []),
    ...(resolved.ok ? pageSizeMistakes(resolved.value) : []),
    ...(resolved.ok ? policyMistakes(resolved.value) : []),
    ...(resolved.ok ? offloadMistakes(resolved.value) : []),
    ...mistakesOf(buckets),
    ...mistakesOf(mounts),
    ...mistakesOf(proxied),
    ...(given.ok ? given.value.flatMap(reservedName) : []),
  ];
  if (!settled.ok || !given.ok || !buckets.ok || !givenMounts.ok || !mounts.ok || mistakes.length > 0)
    return { ok: false, mistakes };
  if (!proxied.ok) return { ok: false, mistakes };
  return {
    ok: true,
    value: {
      ...settled.value,
      ...{ stores: buckets.value, givenStores: given.value },
      ...{ mounts: mounts.value as readonly ConfiguredMount[], givenMounts: givenMounts.value },
      ...proxied.value,
    },
  };
}

const NOT_READ: Mistake = {
  source: 'VC_CONFIG',
  message: 'holds a whole file, which is read with `--config env` alone.',
};

function reservedName({ name, mistakeAt }: NamedStore): Mistake[] {
  if (!RESERVED_NAMES.has(name)) return [];
  const message = `"${name}" cannot name a store: /${name}/ is an address of the server’s own. Choose another name.`;
  return [mistakeAt('', message)];
}

function mistakesOf(checked: Checked<unknown>): readonly Mistake[] {
  return checked.ok ? [] : checked.mistakes;
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
