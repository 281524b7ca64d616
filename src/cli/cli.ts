import { Command, CommanderError } from 'commander';
import { VelocityError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { CliCommand } from './command.ts';
import { EXIT, type Io } from './io.ts';
import { version } from './version.ts';

interface CommandEntry {
  readonly summary: string;
  /** A command's code is loaded when it is called: a cached run never loads the server. */
  readonly load: () => Promise<CliCommand>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'Run tasks of the workspace, or restore what they made.',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  serve: {
    summary: 'Start the cache server.',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  proxy: {
    summary: 'Start the HTTP caching proxy.',
    load: async () => (await import('./commands/proxy.ts')).proxyCommand,
  },
  'build-server': {
    summary: 'Start the build server: specs in, binaries out.',
    load: async () => (await import('./commands/build-server.ts')).buildServerCommand,
  },
  sidecar: {
    summary: 'Stand beside another build tool, so that a cache in trouble fails no build.',
    load: async () => (await import('./commands/sidecar.ts')).sidecarCommand,
  },
  init: {
    summary: 'Write a velocity.yml for this repository.',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  clean: {
    summary: 'Remove the local cache, or what tasks made.',
    load: async () => (await import('./commands/clean.ts')).cleanCommand,
  },
  cache: {
    summary: 'Look at what the server keeps, check it, and remove of it.',
    load: async () => (await import('./commands/cache.ts')).cacheCommand,
  },
  files: {
    summary: 'Remove what nobody reads any longer from the folder of files.',
    load: async () => (await import('./commands/files.ts')).filesCommand,
  },
  purge: {
    summary: 'Take responses out of the store of a proxy that is running.',
    load: async () => (await import('./commands/purge.ts')).purgeCommand,
  },
  ban: {
    summary: 'Ban what a proxy has stored, by what it is.',
    load: async () => (await import('./commands/ban.ts')).banCommand,
  },
  bans: {
    summary: 'List the bans that a proxy still tests what it has stored against.',
    load: async () => (await import('./commands/bans.ts')).bansCommand,
  },
  log: {
    summary: 'Print the requests that a caching proxy answers, as it does.',
    load: async () => (await import('./commands/log.ts')).logCommand,
  },
  top: {
    summary: 'Rank what a caching proxy was asked for in the last minute.',
    load: async () => (await import('./commands/top.ts')).topCommand,
  },
  stat: {
    summary: 'Print what a caching proxy has counted, and rates.',
    load: async () => (await import('./commands/stat.ts')).statCommand,
  },
  hist: {
    summary: 'Draw how long a caching proxy took for hits and for misses.',
    load: async () => (await import('./commands/hist.ts')).histCommand,
  },
  policy: {
    summary: 'Ask a policy of the proxy by hand.',
    load: async () => (await import('./commands/policy.ts')).policyCommand,
  },
  config: {
    summary: 'Print the server’s settings and where each came from.',
    load: async () => (await import('./commands/config.ts')).configCommand,
  },
  token: {
    summary: 'Make, list and revoke the tokens of a server.',
    load: async () => (await import('./commands/token.ts')).tokenCommand,
  },
  keygen: {
    summary: 'Make the key pair of an object gateway, for presigned URLs.',
    load: async () => (await import('./commands/keygen.ts')).keygenCommand,
  },
  sign: {
    summary: 'Sign a URL of an object gateway, or of a file.',
    load: async () => (await import('./commands/sign.ts')).signCommand,
  },
  key: {
    summary: 'Make keys with which builds sign their artifacts.',
    load: async () => (await import('./commands/key.ts')).keyCommand,
  },
};

/** Runs one command line to its exit code. Never ends the process itself. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const split = argv.indexOf('--');
  const args = split < 0 ? argv : argv.slice(0, split);
  const extraArguments = split < 0 ? [] : argv.slice(split + 1);
  const name = args.find((argument) => !argument.startsWith('-'));
  const entry = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (name !== undefined && entry === undefined && name !== 'help') {
    io.stderr.write(`velocity: there is no command "${name}"${didYouMean(name, Object.keys(COMMANDS))}.\n`);
    io.stderr.write('Run "velocity --help" for the list.\n');
    return EXIT.usage;
  }

  let code: number = EXIT.done;
  const program = new Command('velocity')
    .description('One cache for everything that builds fetch or produce.')
    .version(version(), '-v, --version')
    .helpCommand('help [command]', 'Show help for a command.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    });
  const exit = (given: number): void => {
    code = given;
  };

  let spelled = args;
  const wanted = name === 'help' ? args[args.indexOf('help') + 1] : name;
  for (const [commandName, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(commandName).summary(summary).description(summary).exitOverride();
    if (commandName !== wanted) continue;
    const loaded = await load();
    loaded.declare(command, { io, extraArguments, exit });
    if (loaded.spell && name === commandName) spelled = [name, ...loaded.spell(argumentsOf(name, args))];
  }
  try {
    await program.parseAsync([...spelled], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, io);
  }
}

/** All but the command's name. */
function argumentsOf(name: string, args: readonly string[]): string[] {
  return args.toSpliced(args.indexOf(name), 1);
}

/** Expected failures are told in a sentence; a bug keeps its stack. */
function explain(error: unknown, io: Io): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 || error.code === 'commander.help' ? EXIT.done : EXIT.usage;
  }
  if (error instanceof VelocityError) {
    io.stderr.write(`velocity: ${error.message}\n`);
    return error.isMisuse ? EXIT.usage : EXIT.failed;
  }
  io.stderr.write(
    `velocity: a bug in VelocityCache: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return EXIT.failed;
}
