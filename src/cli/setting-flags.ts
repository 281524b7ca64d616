import { type Command, Option } from 'commander';
import { isSecretKind } from '../config/kinds.ts';
import { envName, flagName, type Settings } from '../config/setting.ts';

/** Adds `--config` and one flag a setting. Secrets have none: a command line is seen by every user of the machine. */
export function addSettingFlags(command: Command, settings: Settings): void {
  command.option(
    '--config <file>',
    'YAML file with settings; may be given several times, a later one goes before; "env" is no file: the environment, where VC_CONFIG may hold a whole file, and CACHEGATE_… are read too',
    (file: string, before: readonly string[]) => [...before, file],
    [] as readonly string[],
  );
  for (const setting of Object.values(settings)) {
    if (isSecretKind(setting.kind)) continue;
    const fallback = setting.default === undefined ? '' : `, default ${JSON.stringify(setting.default)}`;
    const description = `${setting.doc} (${envName(setting)}${fallback})`;
    command.addOption(new Option(`${flagName(setting)} <value>`, description));
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
