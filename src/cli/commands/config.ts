import type { Setting, Settings } from '../../config/setting.ts';
import { settingsSchema } from '../../config/settings-schema.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadServerSettingsSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';

const { loadServerSettings, SECRET_NAMES, serverSettings, storeSettings, mountSettings, backendSettings } =
  await loadServerSettingsSide();

type Loaded = Extract<ReturnType<typeof loadServerSettings>, { ok: true }>['value'];

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly from: string;
  readonly setting?: Setting<unknown>;
}

/** `velocity config`: each setting, its value and where it came from; secrets stay masked. */
export const configCommand: CliCommand = {
  declare(command, { io, exit }) {
    addSettingFlags(command, serverSettings);
    command
      .option('--json', 'print JSON')
      .option('--schema', 'print the JSON Schema of the YAML file instead')
      .action(() => {
        if (command.getOptionValue('schema')) {
          const schema = settingsSchema('VelocityCache server', serverSettings, [
            storeSettings,
            mountSettings,
            backendSettings,
          ]);
          io.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
          return;
        }
        const loaded = loadServerSettings({ ...givenFlags(command), env: io.env });
        if (!loaded.ok) {
          printMistakes(loaded.mistakes, io, io.cwd, SECRET_NAMES);
          exit(EXIT.usage);
          return;
        }
        const rows = rowsOf(loaded.value);
        if (command.getOptionValue('json')) {
          const plain = rows.map(({ key, value, from }) => ({ key, value, from }));
          io.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
          return;
        }
        io.stdout.write(table(rows.map((row) => [row.key, show(row), row.from])));
      });
  },
};

/** Those of the server, then those of each store, mount and backend. */
function rowsOf({ values, origins, givenStores, givenMounts, givenBackends }: Loaded): Row[] {
  return [
    ...rows(serverSettings, '', values, origins),
    ...givenStores.flatMap(({ name, type, values, origins }) => {
      const prefix = `${storeSettings.key}.${name}.`;
      const settings = { ...storeSettings.common, ...storeSettings.types[type] };
      const typeRow = { key: `${prefix}type`, value: type, from: origins['type'] ?? '' };
      return [typeRow, ...rows(settings, prefix, values, origins)];
    }),
    ...givenMounts.flatMap(({ name, values, origins }) =>
      rows(mountSettings.common, `${mountSettings.key}.${name}.`, values, origins),
    ),
    ...givenBackends.flatMap(({ name, values, origins }) =>
      rows(backendSettings.common, `${backendSettings.key}.${name}.`, values, origins),
    ),
  ];
}

function rows(
  settings: Settings,
  prefix: string,
  values: Readonly<Record<string, unknown>>,
  origins: Readonly<Record<string, string>>,
): Row[] {
  return Object.entries(settings).map(([name, setting]) => ({
    key: prefix + setting.key,
    value: values[name],
    from: origins[name] ?? '',
    setting,
  }));
}

function show({ setting, value }: Row): string {
  if (value === undefined) return '-';
  return setting?.kind.show ? setting.kind.show(value) : String(value);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`)
    .join('');
}
