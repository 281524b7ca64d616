import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatByteSize, parseByteSize } from '../../base/byte-size.ts';
import { systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import { type AuditEvent, AuditLog } from '../../telemetry/audit-log.ts';
import { openLogger } from '../../telemetry/logger.ts';
import type { CliCommand, CommandContext } from '../command.ts';
import { EXIT } from '../io.ts';
import { parsedOption } from '../parsed-option.ts';
import { printMistakes } from '../print-mistakes.ts';
import { loadStorageSide } from '../server-side.ts';
import { addSettingFlags, givenFlags } from '../setting-flags.ts';

const {
  loadStorageSettings,
  SECRET_NAMES,
  storageSettings,
  retentionLimits,
  openExistingStore,
  prune,
  verify,
  parseObjectKey,
  ownerOf,
  readProvenance,
  PROVENANCE_METADATA,
} = await loadStorageSide();

type Store = Awaited<ReturnType<typeof openExistingStore>>;
type OperatorSettings = Extract<ReturnType<typeof loadStorageSettings>, { ok: true }>['value'];
type Key = ReturnType<typeof parseObjectKey>;

/** What an action works with. */
interface Work {
  readonly store: Store;
  readonly settings: OperatorSettings;
  readonly command: Command;
  readonly context: CommandContext;
}

/** `velocity cache ls|show|verify|prune|rm`: an operator's work on the server's storage, whatever the driver. */
export const cacheCommand: CliCommand = {
  declare(command, context) {
    const declare = (
      name: string,
      summary: string,
      act: (work: Work, args: readonly string[]) => Promise<void>,
    ): Command => {
      const sub = command.command(name).summary(summary).description(summary).exitOverride();
      addSettingFlags(sub, storageSettings);
      sub.action(() => withStore(sub, context, (work) => act(work, sub.args)));
      return sub;
    };
    declare('ls [prefix]', 'List what is there: key, bytes, when stored, when last used.', list)
      .option('--json', 'print a JSON object a line')
      .option('--limit <n>', 'stop after so many');
    declare('show <key>', 'Print what is known of one object; a key or the 64 digits of a hash.', show);
    declare(
      'verify [prefix]',
      'Read everything and hold it against its digest; what is damaged is removed.',
      verifyAll,
    ).option('--dry-run', 'remove nothing');
    declare(
      'prune',
      'Remove what was not used for long, or is too much. Without options, by VC_RETENTION_….',
      pruneNow,
    )
      .option('--dry-run', 'remove nothing')
      .option('--max-age <time>', 'not used for so long, such as 30d')
      .option('--max-size <bytes>', 'keep so much, such as 100GiB')
      .option('--max-entries <n>', 'keep so many');
    declare('rm <keys...>', 'Remove objects by key or hash.', remove);
  },
};

async function withStore(
  command: Command,
  context: CommandContext,
  act: (work: Work) => Promise<void>,
): Promise<void> {
  const { io, exit } = context;
  const loaded = loadStorageSettings({ ...givenFlags(command), env: io.env });
  if (!loaded.ok) {
    printMistakes(loaded.mistakes, io, io.cwd, SECRET_NAMES);
    exit(EXIT.usage);
    return;
  }
  const settings = loaded.value;
  const onDamaged = (key: Key): void => {
    io.stderr.write(`damaged, removed: ${key}\n`);
    exit(EXIT.failed);
  };
  const store = await openExistingStore(settings, systemClock, onDamaged);
  try {
    await act({ store, settings, command, context });
  } finally {
    await store.close();
  }
}

async function list(
  { store, command, context: { io } }: Work,
  [prefix = '']: readonly string[],
): Promise<void> {
  const json = command.getOptionValue('json') === true;
  let left = numberOption(command, 'limit') ?? Number.POSITIVE_INFINITY;
  for await (const { key, sizeBytes, modifiedAt, usedAt } of store.list({ prefix })) {
    if (left-- <= 0) return;
    const [stored, used] = [instant(modifiedAt), usedAt === undefined ? undefined : instant(usedAt)];
    io.stdout.write(
      json
        ? `${JSON.stringify({ key, size: sizeBytes, stored, used })}\n`
        : `${key}\t${sizeBytes}\t${stored}\t${used ?? '-'}\n`,
    );
  }
}

async function show({ store, context: { io, exit } }: Work, [name = '']: readonly string[]): Promise<void> {
  const key = keyFrom(name);
  const facts = await store.head(key);
  if (!facts) {
    io.stderr.write(`velocity: nothing is stored under ${key}.\n`);
    exit(EXIT.failed);
    return;
  }
  const { sizeBytes, digest, contentType, modifiedAt } = facts;
  const provenance = readProvenance(facts.metadata);
  const { [PROVENANCE_METADATA]: _, ...others } = facts.metadata;
  const known = { key, size: sizeBytes, sha256: digest, contentType, stored: instant(modifiedAt) };
  // What cannot be read as provenance is shown as it is.
  const shown = provenance
    ? { ...known, provenance, metadata: others }
    : { ...known, metadata: facts.metadata };
  io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
}

async function verifyAll(
  { store, command, context: { io, exit } }: Work,
  [prefix = '']: readonly string[],
): Promise<void> {
  const dryRun = isDryRun(command);
  const counts = { whole: 0, damaged: 0, unknown: 0, gone: 0 };
  for await (const { key } of store.list({ prefix })) {
    const verdict = await verify(store, key);
    counts[verdict]++;
    if (verdict !== 'damaged') continue;
    if (!dryRun) await store.delete(key);
    io.stdout.write(`${dryRun ? 'damaged' : 'damaged, removed'}: ${key}\n`);
  }
  io.stderr.write(
    `${counts.whole} whole, ${counts.damaged} damaged, ${counts.unknown} without a digest to hold them against\n`,
  );
  if (counts.damaged > 0) exit(EXIT.failed);
}

async function pruneNow({ store, settings, command, context: { io, exit } }: Work): Promise<void> {
  const dryRun = isDryRun(command);
  const given = {
    maxAgeMs: parsedOption(command, 'maxAge', parseDuration, 'a time such as 30d'),
    maxBytes: parsedOption(command, 'maxSize', parseByteSize, 'a size such as 100GiB'),
    maxEntries: numberOption(command, 'maxEntries'),
  };
  const isGiven = Object.values(given).some((value) => value !== undefined);
  const limits = isGiven ? given : retentionLimits(settings);
  if (!limits)
    throw new VelocityError(
      'USAGE',
      'Nothing says what to keep: give --max-age, --max-size or --max-entries, or set VC_RETENTION_DAYS, VC_RETENTION_MAX_SIZE or VC_RETENTION_MAX_ENTRIES.',
    );
  const { removed, removedBytes, failed, kept, keptBytes } = await prune(store, limits, {
    now: systemClock.now(),
    ownerOf,
    dryRun,
    onPruned: ({ key, sizeBytes, usedAt, reason }) =>
      io.stdout.write(`${key}\t${sizeBytes}\t${instant(usedAt)}\t${reason}\n`),
  });
  const what = dryRun ? 'would be removed' : 'removed';
  io.stderr.write(
    `${removed} ${what} (${formatByteSize(removedBytes)}), ${kept} kept (${formatByteSize(keptBytes)})\n`,
  );
  if (failed > 0) {
    io.stderr.write(`${failed} could not be removed\n`);
    exit(EXIT.failed);
  }
}

async function remove(work: Work, names: readonly string[]): Promise<void> {
  const { io, exit } = work.context;
  const audit = auditOf(work);
  for (const key of names.map(keyFrom)) {
    if (await removed(work.store, key, (result) => audit?.record({ ...DELETED, key, result }))) {
      io.stdout.write(`removed: ${key}\n`);
    } else {
      io.stderr.write(`velocity: nothing is stored under ${key}.\n`);
      exit(EXIT.failed);
    }
  }
}

/** Whether there was anything to remove. */
async function removed(
  store: Store,
  key: Key,
  record: (result: AuditEvent['result']) => void,
): Promise<boolean> {
  record('begun');
  try {
    const isThere = (await store.head(key)) !== undefined;
    if (isThere) await store.delete(key);
    record(isThere ? 'done' : 'absent');
    return isThere;
  } catch (error) {
    record('failed');
    throw error;
  }
}

/** Where the server's own deletions are written down, if anywhere: in its log they would be lost here. */
function auditOf({ settings: { auditFile }, context: { io } }: Work): AuditLog | undefined {
  if (auditFile === undefined) return undefined;
  return new AuditLog(resolve(io.cwd, auditFile), systemClock, openLogger('silent'));
}

const DELETED = { who: `cli ${userName()}`, action: 'delete' } as const;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // a container's user often has no name
  }
}

/** The 64 digits of a cache key stand for the object that the build cache keeps under it. */
function keyFrom(name: string): Key {
  return parseObjectKey(/^[0-9a-f]{64}$/.test(name) ? `objects/${name}` : name);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

function isDryRun(command: Command): boolean {
  return command.getOptionValue('dryRun') === true;
}

function numberOption(command: Command, name: string): number | undefined {
  const parse = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
  return parsedOption(command, name, parse, 'a whole number');
}
