import { type Command, Option } from 'commander';
import { isSecretKind } from '../config/kinds.ts';
import type { FlagOf } from '../config/layers.ts';
import { envName, flagName, type Settings } from '../config/setting.ts';

export interface FlagNames {
  readonly flagOf: FlagOf;
  /** What else a flag is called, for its help text. */
  readonly shortNamesOf: (flag: string) => string;
}

const USUAL: FlagNames = { flagOf: flagName, shortNamesOf: () => '' };

/** Adds `--config` and one flag a setting. Secrets have none: a command line is seen by every user of the machine. */
export function addSettingFlags(
  command: Command,
  settings: Settings,
  { flagOf, shortNamesOf }: FlagNames = USUAL,
): void {
  command.option(
    '--config <file>',
    'YAML file with settings; may be given several times, a later one goes before; "env" is no file: the environment, where VC_CONFIG may hold a whole file, and CACHEGATE_… are read too',
    (file: string, before: readonly string[]) => [...before, file],
    [] as readonly string[],
  );
  for (const setting of Object.values(settings)) {
    const flag = flagOf(setting);
    if (isSecretKind(setting.kind) || flag === undefined) continue;
    const fallback = setting.default === undefined ? '' : `, default ${JSON.stringify(setting.default)}`;
    const short = shortNamesOf(flag);
    const description = `${setting.doc} (${short && `${short}; `}${envName(setting)}${fallback})`;
    command.addOption(new Option(`${flag} <value>`, description));
  }
}

/** What was given on the command line. */
export interface GivenFlags {
  /** By flag name. */
  readonly flags: ReadonlyMap<string, string>;
  readonly configFiles: readonly string[];
  /** `--config env` */
  readonly fromEnv: boolean;
}

export function givenFlags(command: Command): GivenFlags {
  const flags = new Map<string, string>();
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && option.long) flags.set(option.long, value);
  }
  const files = command.getOptionValue('config') as readonly string[];
  return {
    flags,
    configFiles: files.filter((file) => file !== 'env'),
    fromEnv: files.includes('env'),
  };
}
