import type { Transaction } from '../../wire/transaction.ts';
import type { CliCommand } from '../command.ts';
import { type Io, untilTaken } from '../io.ts';
import { parsedOption } from '../parsed-option.ts';
import { openPalette } from '../reporters/palette.ts';
import { parseCount } from '../watch/parse-count.ts';
import { addFilterOptions, type FilterFlags, transactionFilter } from '../watch/transaction-filter.ts';
import { transactionLine } from '../watch/transaction-line.ts';
import { visibleText } from '../watch/visible-text.ts';
import { addWatchOptions, watch } from '../watch/watching.ts';

interface LogFlags extends FilterFlags {
  readonly socket?: string;
  readonly once?: true;
  readonly json?: true;
}

const DEFAULT_LAST = 10;

/** `velocity log`: requests that a caching proxy answers, a line each, as they are answered. */
export const logCommand: CliCommand = {
  declare(command, { io }) {
    addWatchOptions(command);
    addFilterOptions(command);
    command
      .option('--last <n>', `look so many requests back before the first that comes; default ${DEFAULT_LAST}`)
      .option('--json', 'print a JSON object a line')
      .addHelpText('after', HELP)
      .action(async (flags: LogFlags) => {
        const isWanted = transactionFilter(flags);
        const last = parsedOption(command, 'last', parseCount, 'a whole number') ?? DEFAULT_LAST;
        const lineOf = flags.json ? jsonLine : lineFor(io);
        await watch(flags, io, async ({ client }) => {
          for await (const line of client.transactions({ last, follows: flags.once !== true })) {
            if ('lost' in line) tellLost(io, line.lost);
            else if (isWanted(line)) io.stdout.write(`${lineOf(line)}\n`);
            await untilTaken(io.stdout);
          }
        });
      });
  },
};

const HELP = `
Runs until Ctrl-C. Where this command or what reads it is too slow, lines are lost and it says how many: the
proxy waits for nobody.

Examples:
  velocity log --outcome miss,pass --path '/assets/*'
  velocity log --status 5xx --json | jq .detail
  velocity log --last 1000 --once`;

function lineFor(io: Io): (transaction: Transaction) => string {
  const palette = openPalette(io);
  return (transaction) => transactionLine(transaction, palette);
}

function jsonLine(transaction: Transaction): string {
  return visibleText(JSON.stringify(transaction));
}

function tellLost(io: Io, lost: number): void {
  io.stderr.write(`velocity log: ${lost} ${lost === 1 ? 'line was' : 'lines were'} lost: too slow\n`);
}
