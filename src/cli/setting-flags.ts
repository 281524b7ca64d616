import { type Command, Option } from 'commander';
import { isSecretKind } from '../config/kinds.ts';
import { envName, flagName, type Settings } from '../config/setting.ts';

/** Adds `--config` and one flag a setting. Secrets have none: a command line is seen by every user of the machine. */
export function addSettingFlags(command: Command, settings: Settings): void {
  command.option(
    '--config <file>',
    'YAML file with settings; may be given several times, a later one goes before; "env" is no file: the environment alone',
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

/** The flags that were given, by flag name, and the files. */
export function givenFlags(command: Command): { flags: Map<string, string>; configFiles: readonly string[] } {
  const flags = new Map<string, string>();
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && option.long) flags.set(option.long, value);
  }
  const files = command.getOptionValue('config') as readonly string[];
  return { flags, configFiles: files.filter((file) => file !== 'env') };
}
