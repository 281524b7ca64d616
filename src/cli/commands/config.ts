import type { Setting } from '../../config/setting.ts';
import { settingsSchema } from '../../config/settings-schema.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadServerSettingsSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';

const { loadServerSettings, serverSettings } = await loadServerSettingsSide();

/** `velocity config`: each setting, its value and where it came from; secrets stay masked. */
export const configCommand: CliCommand = {
  declare(command, { io, exit }) {
    addSettingFlags(command, serverSettings);
    command
      .option('--json', 'print JSON')
      .option('--schema', 'print the JSON Schema of the YAML file instead')
      .action(() => {
        if (command.getOptionValue('schema')) {
          io.stdout.write(
            `${JSON.stringify(settingsSchema('VelocityCache server', serverSettings), null, 2)}\n`,
          );
          return;
        }
        const loaded = loadServerSettings({ ...givenFlags(command), env: io.env });
        if (!loaded.ok) {
          printMistakes(loaded.mistakes, io, io.cwd);
          exit(EXIT.usage);
          return;
        }
        const { values, origins } = loaded.value;
        const rows = Object.entries<Setting<unknown>>(serverSettings).map(([name, setting]) => ({
          setting,
          value: values[name as keyof typeof values] as unknown,
          from: origins[name as keyof typeof origins],
        }));
        if (command.getOptionValue('json')) {
          const plain = rows.map(({ setting: { key }, value, from }) => ({ key, value, from }));
          io.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
          return;
        }
        io.stdout.write(
          table(rows.map(({ setting, value, from }) => [setting.key, show(setting, value), from])),
        );
      });
  },
};

function show({ kind }: Setting<unknown>, value: unknown): string {
  if (value === undefined) return '-';
  return kind.show ? kind.show(value) : String(value);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`)
    .join('');
}
