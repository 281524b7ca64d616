import type { Command } from 'commander';
import { formatByteSize, parseByteSize } from '../../base/byte-size.ts';
import { systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import type { CliCommand, CommandContext } from '../command.ts';
import { EXIT, type Io } from '../io.ts';
import { parsedOption } from '../parsed-option.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadFilesSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';

const {
  loadStorageSettings,
  SECRET_NAMES,
  filesSettings,
  Folder,
  openFiles,
  dryRun,
  pruneFiles,
  parseFilePath,
} = await loadFilesSide();

type Pruned = Awaited<ReturnType<typeof pruneFiles>>;
type Limits = Pick<Parameters<typeof pruneFiles>[1], 'unreadMs' | 'maxBytes' | 'path'>;

/** `velocity files prune`: an operator's work on the folder of files, or on a server that has it. */
export const filesCommand: CliCommand = {
  declare(command, context) {
    const summary = 'Remove files that nobody has read for long, or that are too much.';
    const prune = command
      .command('prune [folder]')
      .summary(summary)
      .description(
        `${summary} Only below a folder, where one is named. A server that is running has its folder for itself: name it with --server, or let it prune by files.prune.…`,
      )
      .exitOverride();
    addSettingFlags(prune, filesSettings);
    prune
      .option('--unread <time>', 'not read for so long, such as 30d')
      .option('--max-size <bytes>', 'keep so much, such as 50GiB')
      .option('--dry-run', 'say what would go, and remove nothing')
      .option('--server <url>', 'ask this server to do it; its token is in VELOCITY_TOKEN');
    prune.action(() => pruneNow(prune, context));
  },
};

async function pruneNow(command: Command, { io, exit }: CommandContext): Promise<void> {
  const isDryRun = command.getOptionValue('dryRun') === true;
  const server: unknown = command.getOptionValue('server');
  const [folder = ''] = command.args;
  if (typeof server === 'string') {
    tell(io, await askServer(server, command, folder, isDryRun, io), isDryRun);
    return;
  }
  const loaded = loadStorageSettings({ ...givenFlags(command), env: io.env });
  if (!loaded.ok) {
    printMistakes(loaded.mistakes, io, io.cwd, SECRET_NAMES);
    exit(EXIT.usage);
    return;
  }
  const settings = loaded.value;
  const { filesRoot: root } = settings;
  if (root === undefined)
    throw new VelocityError(
      'USAGE',
      'Nothing says where the files are: give --files-root, or set VC_FILES_ROOT.',
    );
  const limits: Limits = {
    unreadMs:
      parsedOption(command, 'unread', parseDuration, 'a time such as 30d') ?? settings.filesPruneUnread,
    maxBytes:
      parsedOption(command, 'maxSize', parseByteSize, 'a size such as 50GiB') ?? settings.filesPruneMaxSize,
    path: parseFilePath(folder.replace(/^\//, '')),
  };
  if (limits.unreadMs === undefined && limits.maxBytes === undefined)
    throw new VelocityError(
      'USAGE',
      'Nothing says what may go: give --unread or --max-size, or set VC_FILES_PRUNE_UNREAD or VC_FILES_PRUNE_MAX_SIZE.',
    );
  const options = {
    ...limits,
    now: systemClock.now(),
    onRemoved: (path: string, { sizeBytes, usedAt }: { sizeBytes: number; usedAt: number }) =>
      void io.stdout.write(`${path}\t${sizeBytes}\t${new Date(usedAt).toISOString()}\n`),
  };
  if (isDryRun) {
    tell(io, await pruneFiles(dryRun(await Folder.open(root, systemClock)), options), true);
    return;
  }
  const onTrouble = (kind: string, error: unknown): void =>
    void io.stderr.write(`velocity: ${kind}: ${error instanceof Error ? error.message : String(error)}\n`);
  const opened = await openFiles(settings, { root, clock: systemClock, onTrouble });
  try {
    tell(io, await pruneFiles(opened.files, options), false);
    await opened.files.flush();
  } finally {
    await opened.close();
  }
}

/** @throws VelocityError in the words of the server */
async function askServer(
  server: string,
  command: Command,
  path: string,
  isDryRun: boolean,
  io: Io,
): Promise<Pruned> {
  const text = (name: string): string | undefined => command.getOptionValue(name) as string | undefined;
  const token = io.env['VELOCITY_TOKEN'];
  const url = URL.canParse(server) ? new URL('/api/v1/prune', server) : undefined;
  if (!url)
    throw new VelocityError('USAGE', `--server takes a URL such as http://127.0.0.1:3000, not "${server}".`);
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({
      unread: text('unread'),
      max_size: text('maxSize'),
      path: path || undefined,
      dry_run: isDryRun,
    }),
  }).catch((error: unknown) => {
    throw new VelocityError('STORAGE_UNAVAILABLE', `${url.origin} does not answer.`, { cause: error });
  });
  const said = (await reply.json().catch(() => ({}))) as Record<string, unknown>;
  if (!reply.ok)
    throw new VelocityError('STORAGE_FAILED', `${url.origin} says ${reply.status}: ${said['detail'] ?? ''}`);
  const {
    kept_files: keptFiles,
    kept_bytes: keptBytes,
    ...removed
  } = said as never as Omit<Pruned, 'keptFiles' | 'keptBytes'> & {
    kept_files: number;
    kept_bytes: number;
  };
  return { ...removed, keptFiles, keptBytes };
}

function tell(io: Io, { files, bytes, busy, keptFiles, keptBytes }: Pruned, isDryRun: boolean): void {
  const what = isDryRun ? 'would be removed' : 'removed';
  const left = busy > 0 ? `, ${busy} left alone: they are in use` : '';
  io.stderr.write(
    `${files} ${what} (${formatByteSize(bytes)}), ${keptFiles} kept (${formatByteSize(keptBytes)})${left}\n`,
  );
}
