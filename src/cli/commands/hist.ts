import { HISTOGRAM_PATH, parseHistogramReply } from '../../wire/proxy-admin.ts';
import type { CliCommand } from '../command.ts';
import { histogramChart } from '../watch/histogram-chart.ts';
import { addWatchOptions, showLive, watch } from '../watch/watching.ts';

interface HistFlags {
  readonly socket?: string;
  readonly once?: true;
}

/** `velocity hist`: how long a caching proxy took for its answers since it began. */
export const histCommand: CliCommand = {
  declare(command, { io }) {
    addWatchOptions(command);
    command.addHelpText('after', HELP).action(async (flags: HistFlags) => {
      await watch(flags, io, (watching) =>
        showLive(watching, { once: flags.once === true, io }, async () =>
          histogramChart(await watching.client.get(HISTOGRAM_PATH, parseHistogramReply)),
        ),
      );
    });
  },
};

const HELP = `
| is a hit: from the cache alone. # is a miss: it waited for an origin. Refreshed each second until Ctrl-C; printed
once where standard output is no terminal.

Example:
  velocity hist --once`;
