import { isIP } from 'node:net';
import { Option } from 'commander';
import { LOG_LEVELS, type Logger, type LogLevel, openLogger } from '../../telemetry/logger.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadBuildServerSide } from '../server-side.ts';
import { nextStopSignal, stopAt } from '../signals.ts';
import { version } from '../version.ts';

const { BuildServer, loadBuildServer, BUILD_SERVER_SECRETS } = await loadBuildServerSide();

type Settings = Parameters<typeof BuildServer.start>[0];

interface Options {
  readonly config: string;
  readonly listen?: string;
  readonly output?: string;
  readonly logLevel: LogLevel;
}

/** `velocity build-server`: runs until SIGTERM or SIGINT; the second one does not wait for builds. */
export const buildServerCommand: CliCommand = {
  declare(command, { io, exit }) {
    command
      .requiredOption('--config <file>', 'YAML file with the recipes, and with whatever else is below')
      .option(
        '--listen <host:port>',
        'where to listen (listen:, default 127.0.0.1:8090); port 0 takes a free one',
      )
      .option('--output <dir>', 'folder in which binaries are kept (output:)')
      .addOption(
        new Option('--log-level <level>', 'from which level lines are logged')
          .choices([...LOG_LEVELS])
          .default('info'),
      )
      .addHelpText('after', HELP)
      .action(async () => {
        const { config, listen, output, logLevel } = command.opts<Options>();
        const loaded = loadBuildServer({ file: config, flags: { listen, output }, env: io.env, cwd: io.cwd });
        if (!loaded.ok) {
          printMistakes(loaded.mistakes, io, io.cwd, BUILD_SERVER_SECRETS);
          exit(EXIT.usage);
          return;
        }
        const logger = openLogger(logLevel);
        warnWhereOpen(loaded.value, logger);
        await serve(loaded.value, logger, io.env);
      });
  },
};

const HELP = `
Examples:
  velocity build-server --config builds.yml --output /var/lib/velocity/builds
  velocity build-server --config builds.yml --listen 0.0.0.0:8090 --output out`;

/** Whoever may ask may make this machine work. */
function warnWhereOpen({ host, token }: Settings, logger: Logger): void {
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (token || isLocal) return;
  logger.warn(
    { host },
    'whoever reaches this address may have builds run: set token:, or listen on 127.0.0.1',
  );
}

async function serve(settings: Settings, logger: Logger, env: NodeJS.ProcessEnv): Promise<void> {
  const stopSignal = nextStopSignal();
  const server = await BuildServer.start(settings, { logger, version: version(), env });
  logger.info(
    { url: server.url, output: settings.output, recipes: Object.keys(settings.recipes) },
    'listening',
  );
  await stopAt(stopSignal, server);
}
