import { Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import type { Transaction } from '../../wire/transaction.ts';
import { ALL_KEPT } from '../admin/admin-client.ts';
import type { CliCommand } from '../command.ts';
import { parsedOption } from '../parsed-option.ts';
import { LiveBlock } from '../watch/live-block.ts';
import { parseCount } from '../watch/parse-count.ts';
import { SlidingCounts } from '../watch/sliding-counts.ts';
import { topTable } from '../watch/top-table.ts';
import { urlOf } from '../watch/transaction-line.ts';
import { addWatchOptions, showLive, watch } from '../watch/watching.ts';

interface TopFlags {
  readonly socket?: string;
  readonly once?: true;
  readonly by: keyof typeof NAMES;
}

const NAMES = {
  url: urlOf,
  client: ({ client }: Transaction): string => client,
  outcome: ({ outcome }: Transaction): string => outcome,
  status: ({ status }: Transaction): string => String(status),
} as const;

const DEFAULT_LIMIT = 20;

/** `velocity top`: what a caching proxy was asked for most in the last minute. */
export const topCommand: CliCommand = {
  declare(command, { io }) {
    addWatchOptions(command);
    command
      .addOption(new Option('--by <what>', 'what to count').choices(Object.keys(NAMES)).default('url'))
      .option('--limit <n>', `how many to show; default ${DEFAULT_LIMIT}`)
      .addHelpText('after', HELP)
      .action(async (flags: TopFlags) => {
        const limit = parsedOption(command, 'limit', parseCount, 'a whole number') ?? DEFAULT_LIMIT;
        const follows = flags.once !== true && new LiveBlock(io.stdout).isLive;
        await watch(flags, io, async (watching) => {
          const counts = new SlidingCounts();
          let lost = 0;
          const read = async (): Promise<void> => {
            for await (const line of watching.client.transactions({ last: ALL_KEPT, follows })) {
              if ('lost' in line) lost += line.lost;
              else counts.add(NAMES[flags.by](line), line.startedAt + line.totalMs, systemClock.now());
            }
          };
          let failure: unknown;
          const reading = read().catch((error: unknown) => {
            failure = error;
          });
          await (follows ? watching.second() : reading); // what is remembered comes first
          await showLive(watching, { once: !follows, io }, () => {
            if (failure !== undefined) throw failure;
            return topTable(counts.ranking(limit, systemClock.now()), { by: flags.by, lost });
          });
          await reading;
        });
      });
  },
};

const HELP = `
Counts what was answered in the last minute, of that as much as the proxy remembers. Refreshed each second until
Ctrl-C; printed once where standard output is no terminal.

Examples:
  velocity top --by client
  velocity top --once --limit 5`;
