import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import { exchangeIdentity, jobIdentity } from '../../runner/remote/job-identity.ts';
import type { CliCommand } from '../command.ts';
import { EXIT, type Io } from '../io.ts';
import { loadTokenFileSide } from '../server-side.ts';

const { PRESETS, LIMITED, spellLimit, addToken, listTokens, removeToken } = await loadTokenFileSide();
const FILE_VARIABLE = 'VC_AUTH_TOKENS_FILE';

type Row = ReturnType<typeof listTokens>[number];

/**
 * `velocity token new|ls|revoke`: the tokens of a server, in the file that it reads them from.
 * `velocity token exchange`: a CI job's token for other build tools, which know of none of their own.
 */
export const tokenCommand: CliCommand = {
  declare(command, { io, exit }) {
    withFile(command.command('new'))
      .description('Make a token, print it this once, and add its digest to the file.')
      .addOption(
        new Option('--preset <name>', 'what it may do')
          .choices(PRESETS)
          .default('developer', 'developer, reads only'),
      )
      .option('--tenant <name>', 'whose it is (default: default)')
      .option('--scope <name>', 'what it writes, or for a developer reads, in place of the preset’s own')
      .option('--expires <duration>', 'how long it is known, such as 90d (default: for ever)')
      .option(
        '--limit-requests <rate>',
        'what it may ask, such as 600/m, or none (default: as VC_LIMIT_REQUESTS)',
      )
      .option(
        '--limit-bytes <rate>',
        'what it may move, such as 10GiB/h, or none (default: as VC_LIMIT_BYTES)',
      )
      .option('--note <text>', 'what it is for, to tell it from others')
      .action((options: NewOptions) => {
        const { preset, tenant, scope, note } = options;
        const expiresAt = options.expires === undefined ? undefined : expiry(options.expires);
        const limits = { requests: options.limitRequests, bytes: options.limitBytes };
        const file = fileOf(options, io);
        const { token, row } = addToken(file.path, { preset, tenant, scope, expiresAt, limits, note });
        io.stdout.write(`${token.reveal()}\n`);
        io.stderr.write(
          `Token ${row.access.id} is in ${file.shown}: ${meaning(row)}. It is not shown again.\n`,
        );
      });
    withFile(command.command('ls'))
      .description('List the tokens of the file.')
      .action((options: FileOption) => {
        io.stdout.write(table(listTokens(fileOf(options, io).path)));
      });
    withFile(command.command('revoke'))
      .argument('<id>', 'as `velocity token ls` and the server’s log show it')
      .description('Take a token out of the file.')
      .action((id: string, options: FileOption) => {
        const file = fileOf(options, io);
        if (removeToken(file.path, id)) {
          io.stderr.write(`Token ${id} is revoked. URLs it was given open until they expire (VC_URL_TTL).\n`);
          return;
        }
        io.stderr.write(`velocity: there is no token ${id} in ${file.shown}.\n`);
        exit(EXIT.failed);
      });
    command
      .command('exchange')
      .description('In a CI job: print a token of the gateway for the job’s own identity token.')
      .option('--url <url>', 'the gateway (VELOCITY_REMOTE_URL)')
      .option('--audience <text>', 'whom the job’s token is to be for (default: the gateway’s url)')
      .action(async ({ url = io.env['VELOCITY_REMOTE_URL'], audience }: ExchangeFlags) => {
        if (!url || !/^https?:\/\//.test(url) || !URL.canParse(url))
          throw new VelocityError('USAGE', 'Name the gateway: --url https://host, or VELOCITY_REMOTE_URL.');
        const identity = jobIdentity(io.env);
        if (!identity) throw new VelocityError('NO_IDENTITY', NO_IDENTITY);
        const exchange = { url, audience: audience ?? url, timeoutMs: EXCHANGE_TIMEOUT_MS };
        io.stdout.write(`${(await exchangeIdentity(identity, exchange)).reveal()}\n`);
      });
  },
};

const EXCHANGE_TIMEOUT_MS = 10_000;
const NO_IDENTITY =
  'This job has no identity token. In GitHub Actions it needs "permissions: id-token: write", which jobs of forks never get; elsewhere put the token into VELOCITY_ID_TOKEN.';

interface ExchangeFlags {
  readonly url?: string;
  readonly audience?: string;
}

interface FileOption {
  readonly file?: string;
}

interface NewOptions extends FileOption {
  readonly preset: (typeof PRESETS)[number];
  readonly tenant?: string;
  readonly scope?: string;
  readonly expires?: string;
  readonly limitRequests?: string;
  readonly limitBytes?: string;
  readonly note?: string;
}

function withFile(command: Command): Command {
  return command.option('--file <path>', `the token file (default: what ${FILE_VARIABLE} names)`);
}

function fileOf({ file }: FileOption, io: Io): { path: string; shown: string } {
  const shown = file ?? io.env[FILE_VARIABLE];
  if (!shown)
    throw new VelocityError('USAGE', `Name the token file: --file tokens.yml, or ${FILE_VARIABLE}.`);
  return { path: resolve(io.cwd, shown), shown };
}

function expiry(written: string): number {
  const ms = parseDuration(written);
  if (!ms) throw new VelocityError('USAGE', `--expires ${written}: expected a duration such as 12h or 90d.`);
  return systemClock.now() + ms;
}

function meaning({ access }: Row): string {
  const { tenant, writeScope, readScopes, expiresAt } = access;
  const writes = writeScope === undefined ? 'writes nothing' : `writes ${writeScope}`;
  const until = expiresAt === undefined ? 'does not expire' : `expires ${instant(expiresAt)}`;
  const limits = limitsOf({ access }).join(' and ');
  const limited = limits === '' ? '' : `, with limits of its own: ${limits}`;
  return `tenant ${tenant}, reads ${readScopes.join(', then ') || 'nothing'}, ${writes}, ${until}${limited}`;
}

/** Those of its own: `requests 600/m`, `bytes none`. */
function limitsOf({ access: { limits } }: Pick<Row, 'access'>): string[] {
  return LIMITED.flatMap((what) => {
    const limit = limits?.[what];
    return limit === undefined ? [] : [`${what} ${spellLimit(what, limit)}`];
  });
}

function table(rows: readonly Row[]): string {
  const now = systemClock.now();
  const lines = rows.map(({ access, note }) => [
    access.id,
    access.tenant,
    access.readScopes.join(',') || '-',
    access.writeScope ?? '-',
    [...access.rights].join(','),
    access.expiresAt === undefined
      ? '-'
      : instant(access.expiresAt) + (access.expiresAt <= now ? ' (expired)' : ''),
    limitsOf({ access }).join(', ') || '-',
    note ?? '',
  ]);
  const all = [['id', 'tenant', 'reads', 'writes', 'rights', 'expires', 'limits', 'note'], ...lines];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  return all
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
