import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { isatty } from 'node:tty';
import { Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import { findGateway } from '../../runner/sidecar/find-gateway.ts';
import { Sidecar } from '../../runner/sidecar/sidecar.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { runBeside } from '../run-beside.ts';
import { listenForSignals } from '../signals.ts';

interface SidecarFlags {
  readonly host: string;
  readonly port?: string;
  readonly timeout?: string;
}

/** Where a sidecar without a command listens: tools' configurations name it. */
const DEFAULT_PORT = 8081;
const SECRET_BYTES = 16;

/** `velocity sidecar [-- command]`: beside a build tool, so that a cache in trouble is a miss and no failed build. */
export const sidecarCommand: CliCommand = {
  declare(command, { io, extraArguments, exit }) {
    command
      .usage('[options] [-- <command> [arguments...]]')
      .addOption(new Option('--host <address>', 'address to listen on').default('127.0.0.1'))
      .option('--port <port>', `port to listen on; default ${DEFAULT_PORT}, with a command a free one`)
      .option('--timeout <duration>', 'how long the gateway may be waited for (remote.timeout, else 10s)')
      .addHelpText('after', HELP)
      .action(async (flags: SidecarFlags) => {
        const found = findGateway(io.cwd, io.env);
        if (!found.ok) {
          printMistakes(found.mistakes, io, io.cwd);
          exit(EXIT.usage);
          return;
        }
        const hasCommand = extraArguments.length > 0;
        const say = (text: string): void => void io.stderr.write(`velocity sidecar: ${text}\n`);
        using interruption = listenForSignals();
        const { url: gateway, token } = found.value;
        const timeoutMs = timeoutOf(flags) ?? found.value.timeoutMs;
        await using sidecar = await Sidecar.start({
          ...{ gateway, token, timeoutMs, clock: systemClock, host: flags.host },
          port: portOf(flags) ?? (hasCommand ? 0 : DEFAULT_PORT),
          // Other users of the machine reach the port; what the command is told they do not know.
          secretPath: hasCommand ? `~${randomBytes(SECRET_BYTES).toString('base64url')}` : undefined,
          onAway: (why) =>
            say(`${shown(gateway)} does not serve (${why}). What it would have answered are misses now.`),
          onBack: () => say(`${shown(gateway)} serves again.`),
        });
        if (hasCommand) {
          const env = commandEnv(io.env, sidecar.url);
          const ownTerminal = [0, 1, 2].some(isatty);
          const done = await runBeside(extraArguments, interruption, { cwd: io.cwd, env, ownTerminal });
          if (done.trouble) io.stderr.write(`velocity: ${done.trouble}.\n`);
          exit(done.exitCode);
        } else {
          say(`${sidecar.url} stands for ${shown(gateway)}; waits up to ${formatDuration(timeoutMs)}.`);
          await once(interruption.signal, 'abort');
        }
        const { requests, misses, dropped, refused } = sidecar.counts;
        if (misses + dropped + refused > 0)
          say(
            `of ${requests} requests the gateway did not serve ${misses + dropped + refused}: ${misses} were told as misses, ${dropped} uploads dropped, ${refused} refused.`,
          );
      });
  },
};

const HELP = `
With a command it runs beside it: NX_SELF_HOSTED_REMOTE_CACHE_SERVER, TURBO_API and VELOCITY_SIDECAR_URL
name it to the command, signals reach the command, and its exit code is ours. Without one it runs until
SIGINT or SIGTERM, for whoever reaches the port, under your token.

Environment: VELOCITY_REMOTE_URL and VELOCITY_TOKEN, stronger than the remote of a velocity.yml here or
above; in CI the job's own identity takes the place of a token. The command does not see VELOCITY_TOKEN.

Examples:
  velocity sidecar -- nx run-many -t build
  velocity sidecar -- turbo run build
  velocity sidecar --port 8081`;

/** Where the command finds its cache. Its tasks need no token of ours, so they get none. */
export function commandEnv(env: NodeJS.ProcessEnv, url: string): NodeJS.ProcessEnv {
  const { VELOCITY_TOKEN: _, ...rest } = env;
  const hasTeam = Boolean(env['TURBO_TEAM'] || env['TURBO_TEAMID']);
  return {
    ...rest,
    VELOCITY_SIDECAR_URL: url,
    NX_SELF_HOSTED_REMOTE_CACHE_SERVER: url,
    TURBO_API: url,
    // Without a token and a team turbo asks nobody.
    TURBO_TOKEN: env['TURBO_TOKEN'] || 'sidecar',
    ...(hasTeam ? {} : { TURBO_TEAM: 'sidecar' }),
  };
}

function portOf({ port }: SidecarFlags): number | undefined {
  if (port === undefined) return undefined;
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return Number(port);
  throw new VelocityError('USAGE', `--port: expected a port between 0 and 65535, found "${port}".`);
}

function timeoutOf({ timeout }: SidecarFlags): number | undefined {
  if (timeout === undefined) return undefined;
  const timeoutMs = parseDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  throw new VelocityError('USAGE', `--timeout: expected a duration such as 10s, found "${timeout}".`);
}

/** Without a user and a password in it. */
function shown(gateway: string): string {
  const { origin, pathname } = new URL(gateway);
  return origin + pathname.replace(/\/+$/, '');
}
