import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { runLogged } from '../run-logged.ts';
import { loadServerSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';
import { nextStopSignal, stopAt } from '../signals.ts';
import { version } from '../version.ts';

const { VelocityServer, loadServerSettings, SECRET_NAMES, serverSettings, openSentry } =
  await loadServerSide();

type StartServer = Parameters<typeof VelocityServer.start>;

/** `velocity serve`: runs until SIGTERM or SIGINT; the second one does not wait. SIGHUP reads the token file and the proxy’s certificate again. */
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
      const sentry = await openSentry(loaded.value, { version: version(), debugTo: io.stderr });
      await runLogged(sentry, loaded.value.values, io, (around) => serve(loaded.value, around));
    });
  },
};

async function serve(...[loaded, around]: StartServer): Promise<void> {
  const stopSignal = nextStopSignal();
  const server = await VelocityServer.start(loaded, around);
  const reload = (): void => server.reload();
  // Without such files a hang-up ends the server, as it ends any program of a terminal.
  const { authTokensFile, proxyTlsCertificate } = loaded.values;
  if (authTokensFile !== undefined || proxyTlsCertificate !== undefined) process.on('SIGHUP', reload);
  around.logger.info({ url: server.url, ...server.opened, ...proxyOf(server) }, 'listening');
  await stopAt(stopSignal, server);
  process.off('SIGHUP', reload);
}

function proxyOf({ proxyUrl }: { readonly proxyUrl: string | undefined }): { readonly proxy?: string } {
  return proxyUrl === undefined ? {} : { proxy: proxyUrl };
}
