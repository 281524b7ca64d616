import { parseStatsReply, STATS_PATH, type StatsReply } from '../../wire/proxy-admin.ts';
import type { CliCommand } from '../command.ts';
import { ratesOf } from '../watch/rates-of.ts';
import { statTable } from '../watch/stat-table.ts';
import { visibleText } from '../watch/visible-text.ts';
import { addWatchOptions, showLive, watch } from '../watch/watching.ts';

interface StatFlags {
  readonly socket?: string;
  readonly once?: boolean;
  readonly json?: true;
}

/** `velocity stat`: what a caching proxy has counted, and how fast that grows. */
export const statCommand: CliCommand = {
  declare(command, { io }) {
    addWatchOptions(command);
    command
      .option('--json', 'print a JSON object a second')
      .addHelpText('after', HELP)
      .action(async (flags: StatFlags) => {
        const { once = false, json } = flags;
        await watch(flags, io, async (watching) => {
          let before: StatsReply | undefined;
          const ask = async () => {
            const stats = await watching.client.get(STATS_PATH, parseStatsReply);
            const perSecond = ratesOf(stats, before);
            before = stats;
            return { stats, perSecond };
          };
          if (json) {
            do {
              const { stats, perSecond } = await ask();
              io.stdout.write(`${visibleText(JSON.stringify({ ...stats, perSecond }))}\n`);
              if (!once) await watching.second();
            } while (!once && !watching.signal.aborted);
            return;
          }
          await showLive(watching, { once, io }, async () => {
            const { stats, perSecond } = await ask();
            return statTable(stats, perSecond);
          });
        });
      });
  },
};

const HELP = `
Rates are of the last second, the first ones of all the time since the proxy began. Refreshed each second until
Ctrl-C; a table is printed once where standard output is no terminal.

Examples:
  velocity stat --once
  velocity stat --json | jq .perSecond.requests`;
