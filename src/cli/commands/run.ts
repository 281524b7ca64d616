import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { VelocityError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Mistake } from '../../config/mistake.ts';
import { CONTINUE_MODES, type ContinueMode } from '../../runner/executor/schedule.ts';
import { plan, type RunOptions, run } from '../../runner/run.ts';
import { privateKeyRefusal, SIGNING_KEY_VARIABLE, SigningKey } from '../../runner/signatures/signing-key.ts';
import { findWorkspaceRoot } from '../../runner/workspace/find-root.ts';
import { parseCacheModes } from '../cache-modes.ts';
import type { CliCommand } from '../command.ts';
import { EXIT, type Io, untilTaken } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';
import { printPlan } from '../print-plan.ts';
import { colourVariables, wantsColour } from '../reporters/palette.ts';
import { LOG_ORDERS, type LogOrder, OUTPUT_LOGS, type OutputLogs } from '../reporters/reporter.ts';
import { TerminalReporter } from '../reporters/terminal-reporter.ts';
import { listenForSignals } from '../signals.ts';
import { version } from '../version.ts';

interface RunFlags {
  readonly filter: string[];
  readonly concurrency?: string;
  readonly continue?: ContinueMode | true;
  readonly force?: true;
  readonly cache?: string;
  readonly dry?: 'json' | 'text' | true;
  readonly outputLogs: OutputLogs;
  readonly logOrder?: LogOrder;
}

/** `velocity run <task…>`: the tasks, from the cache where it has them. */
export const runCommand: CliCommand = {
  declare(command, { io, extraArguments, exit }) {
    command
      .argument(
        '[tasks...]',
        'tasks of the pipeline, or <package>#<task>; what follows -- goes to their commands',
      )
      .option(
        '-F, --filter <name|path>',
        'only these packages: a name, ./folder, a glob of either, web... (and what it needs), ...web (and what needs it), !web',
        gather,
        [],
      )
      .option('--concurrency <n|n%>', 'tasks at once, or a part of the processors (VELOCITY_CONCURRENCY)')
      .addOption(
        new Option(
          '--continue [mode]',
          'after a failure go on: never, with dependencies-successful, or always',
        ).choices(CONTINUE_MODES),
      )
      .option('--force', 'run everything, and replace what the local cache holds')
      .option('--cache <modes>', 'what the caches may be used for, as in local:rw,remote:r (VELOCITY_CACHE)')
      .addOption(
        new Option('--dry [format]', 'show what would run, and run nothing').choices(['text', 'json']),
      )
      .addOption(new Option('--output-logs <which>', 'logs to show').choices(OUTPUT_LOGS).default('full'))
      .addOption(
        new Option('--log-order <order>', 'lines as they come, or task by task (default in CI)').choices(
          LOG_ORDERS,
        ),
      )
      .addHelpText('after', HELP)
      .action(async (tasks: string[], flags: RunFlags) => {
        using interruption = listenForSignals();
        const options = toRunOptions(tasks, extraArguments, flags, io, interruption);
        if (flags.dry !== undefined) {
          const planned = await plan(options);
          if (planned.ok) printPlan(planned.value, flags.dry === 'json' ? 'json' : 'text', io);
          else mistaken(planned.mistakes, options);
          return;
        }
        const done = await run(options);
        if (!done.ok) return mistaken(done.mistakes, options);
        const ended = interruption.name();
        exit(
          ended === undefined ? done.value.exitCode : ended === 'SIGINT' ? EXIT.interrupted : EXIT.terminated,
        );
      });

    function mistaken(mistakes: readonly Mistake[], { root }: RunOptions): void {
      printMistakes(mistakes, io, root);
      exit(EXIT.usage);
    }
  },
};

const HELP = `
Environment: VELOCITY_TOKEN, VELOCITY_SIGNING_KEY, VELOCITY_REMOTE_URL, VELOCITY_CACHE,
VELOCITY_CACHE_DIR and VELOCITY_CONCURRENCY are stronger than velocity.yml; flags are stronger than both.

Exit codes: 0 all well; the highest exit code of a task that failed; 2 called or configured
wrongly; 130 and 143 ended by SIGINT and SIGTERM.

Examples:
  velocity run build test
  velocity run build --filter web... --dry
  velocity run test -- --watch=false`;

function toRunOptions(
  tasks: readonly string[],
  extraArguments: readonly string[],
  flags: RunFlags,
  io: Io,
  { signal, hurry }: { signal: AbortSignal; hurry: AbortSignal },
): RunOptions {
  const { env } = io;
  if (tasks.length === 0)
    throw new VelocityError(
      'USAGE',
      'Which task? For instance: velocity run build. "velocity run --help" has more.',
    );
  const inCi = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
  const reporter = new TerminalReporter(io, {
    outputLogs: flags.outputLogs,
    logOrder: flags.logOrder ?? (inCi ? 'grouped' : 'stream'),
    github: env['GITHUB_ACTIONS'] === 'true',
  });
  const colours = wantsColour(env, 'isTTY' in io.stdout && io.stdout.isTTY === true);
  const token = env['VELOCITY_TOKEN'];
  const modes = flags.cache ?? env['VELOCITY_CACHE'];
  const access = parseCacheModes(modes);
  return {
    root: realpathSync(findWorkspaceRoot(io.cwd)),
    env: colourVariables(env, colours),
    tasks,
    extraArguments,
    filters: flags.filter,
    concurrency: parseConcurrency(flags.concurrency ?? env['VELOCITY_CONCURRENCY']),
    continueAfterFailure: flags.continue === true ? 'always' : (flags.continue ?? 'never'),
    force: flags.force ?? false,
    access,
    remoteAsked: Boolean(modes) && (access.remote.read || access.remote.write),
    overrides: {
      remoteUrl: env['VELOCITY_REMOTE_URL'] || undefined,
      remoteToken: token ? new Secret(token) : undefined,
      signingKey: parseSigningKey(env[SIGNING_KEY_VARIABLE]),
      cacheDir: env['VELOCITY_CACHE_DIR'] || undefined,
    },
    version: version(),
    signal,
    hurry,
    onEvent: (event) => reporter.on(event),
    untilTaken: () => untilTaken(io.stdout),
  };
}

function gather(value: string, before: string[]): string[] {
  return [...before, value];
}

function parseSigningKey(text: string | undefined): SigningKey | undefined {
  if (!text) return undefined;
  const key = SigningKey.parse(text);
  if (key) return key;
  throw new VelocityError('USAGE', `${SIGNING_KEY_VARIABLE}: ${privateKeyRefusal(text)}.`);
}

/** A number, or a percentage of the processors; at least one. */
export function parseConcurrency(text: string | undefined): number {
  const processors = availableParallelism();
  if (text === undefined || text === '') return processors;
  const match = /^(\d{1,5})(%?)$/.exec(text);
  const number = Number(match?.[1]);
  if (!match || number === 0) {
    throw new VelocityError(
      'USAGE',
      `--concurrency: expected a number such as 4, or a percentage such as 50%, found "${text}".`,
    );
  }
  return match[2] === '%' ? Math.max(1, Math.floor((processors * number) / 100)) : number;
}
