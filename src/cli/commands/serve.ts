import { openLogger } from '../../telemetry/logger.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadServerSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';
import { version } from '../version.ts';

const { VelocityServer, loadServerSettings, SECRET_NAMES, serverSettings } = await loadServerSide();

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
      const logger = openLogger(values.logLevel);
      const stopSignal = nextSignal();
      const server = await VelocityServer.start(loaded.value, { logger, version: version() });
      const reload = (): void => server.reloadTokens();
      // Without a token file a hang-up ends the server, as it ends any program of a terminal.
      if (values.authTokensFile !== undefined) process.on('SIGHUP', reload);
      logger.info({ url: server.url, ...server.opened }, 'listening');
      await stopSignal;

      const hurry = new AbortController();
      nextSignal().then(() => hurry.abort());
      await server.stop(hurry.signal);
      process.off('SIGHUP', reload);
    });
  },
};

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, done);
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, done);
  });
}
