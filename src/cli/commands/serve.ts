import { type LoggedError, openLogger } from '../../telemetry/logger.ts';
import type { TracedRequest } from '../../telemetry/sentry-reports.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { reportCrash } from '../report-crash.ts';
import { loadServerSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';
import { version } from '../version.ts';

const { VelocityServer, loadServerSettings, SECRET_NAMES, serverSettings, openSentry } =
  await loadServerSide();

type StartServer = Parameters<typeof VelocityServer.start>;

/** `velocity serve`: runs until SIGTERM or SIGINT; the second one does not wait. SIGHUP reads the token file again. */
export const serveCommand: CliCommand = {
  declare(command, { io, exit }) {
    addSettingFlags(command, serverSettings);
    command.action(async () => {
      const loaded = loadServerSettings({ ...givenFlags(command), env: io.env });
      if (!loaded.ok) {
        printMistakes(loaded.mistakes, io, io.cwd, SECRET_NAMES);
        exit(EXIT.usage);
        return;
      }
      const { values } = loaded.value;
      const sentry = await openSentry(loaded.value, { version: version(), debugTo: io.stderr });
      const onError = sentry && ((line: LoggedError) => sentry.report(line));
      const onTrace =
        sentry && values.sentryTracesSampleRate > 0
          ? (request: TracedRequest): void => sentry.trace(request)
          : undefined;
      const logger = openLogger(values.logLevel, undefined, onError);
      const unwatch = sentry && reportCrash(sentry, io.stderr);
      try {
        await serve(loaded.value, { logger, version: version(), onTrace });
      } finally {
        await sentry?.close();
        unwatch?.();
      }
    });
  },
};

async function serve(...[loaded, around]: StartServer): Promise<void> {
  const stopSignal = nextSignal();
  const server = await VelocityServer.start(loaded, around);
  const reload = (): void => server.reloadTokens();
  // Without a token file a hang-up ends the server, as it ends any program of a terminal.
  if (loaded.values.authTokensFile !== undefined) process.on('SIGHUP', reload);
  around.logger.info({ url: server.url, ...server.opened }, 'listening');
  await stopSignal;

  const hurry = new AbortController();
  nextSignal().then(() => hurry.abort());
  await server.stop(hurry.signal);
  process.off('SIGHUP', reload);
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, done);
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, done);
  });
}
