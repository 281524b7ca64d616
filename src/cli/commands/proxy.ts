import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { runLogged } from '../run-logged.ts';
import { loadProxySide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';
import { nextStopSignal, stopAt } from '../signals.ts';
import { version } from '../version.ts';
import { proxyFlagOf, shortNamesOf, spellOut, withProxyFlags } from './proxy-flags.ts';

const { ProxyServer, loadProxySettings, SECRET_NAMES, serverSettings, openSentry } = await loadProxySide();

type StartProxy = Parameters<typeof ProxyServer.start>;

/** `velocity proxy`: runs until SIGTERM or SIGINT; the second one does not wait. SIGHUP reads its certificate again. */
export const proxyCommand: CliCommand = {
  spell: spellOut,
  declare(command, { io, exit }) {
    addSettingFlags(command, withProxyFlags(serverSettings), { flagOf: proxyFlagOf, shortNamesOf });
    command
      .helpOption('--help', 'display help for command')
      .addHelpText('after', HELP)
      .showHelpAfterError('Run "velocity proxy --help" for the list; -h is --host here.')
      .action(async () => {
        const loaded = loadProxySettings({ ...givenFlags(command), flagOf: proxyFlagOf, env: io.env });
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

const HELP = `
Flags go before the environment, that before files, those before defaults. A file is that of velocity serve; its
section proxy: is read, and what is shared (log, drain, trusted, sentry). Several backends are in files alone.
VELOCITY_HOST, VELOCITY_PORT, VELOCITY_CACHE_MAX_CAPACITY and VELOCITY_BACKEND are read too.

Examples:
  velocity proxy --backend example.com
  velocity proxy -h 0.0.0.0 -p 9090 -b http://app:3000
  velocity proxy --config velocity-server.yml`;

async function serve(...[loaded, around]: StartProxy): Promise<void> {
  const stopSignal = nextStopSignal();
  const proxy = await ProxyServer.start(loaded, around);
  const { url, metricsUrl: metrics, adminSocket } = proxy;
  around.logger.info({ url, ...proxy.opened, metrics, adminSocket }, 'listening');
  const reload = (): void => proxy.reloadCertificate();
  // Without a certificate a hang-up ends the proxy, as it ends any program of a terminal.
  if (loaded.values.proxyTlsCertificate !== undefined) process.on('SIGHUP', reload);
  await stopAt(stopSignal, proxy);
  process.off('SIGHUP', reload);
}
