import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { openTempFolder, type TempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const DAY_MS = 86_400_000;

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

async function token(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const io = new CapturedIo({ cwd: folder.path, env });
  const exitCode = await runCli(['token', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

test('a new token is printed once, alone on stdout, and stderr says what it means', async () => {
  const made = await token(['new', '--preset', 'pull-request', '--scope', 'pr-7', '--file', 'new.yml']);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /^vc_[0-9a-f]{10}_[\w-]{43}\n$/);
  assert.match(
    made.stderr,
    /is in new\.yml: tenant default, reads main, then pr-7, writes pr-7, does not expire\./,
  );
  assert.ok(!made.stderr.includes(made.stdout.trim()));
});

test('without a preset a token only reads', async () => {
  assert.match((await token(['new', '--file', 'plain.yml'])).stderr, /reads main, writes nothing/);
});

test('the list shows ids, meaning, expiry and note, never a token', async () => {
  const made = await token([
    ...['new', '--preset', 'main', '--tenant', 'acme', '--expires', '90d'],
    ...['--note', 'CI of web', '--file', 'ls.yml'],
  ]);
  const { stdout } = await token(['ls', '--file', 'ls.yml']);
  const [, id = ''] = made.stdout.split('_');
  const [head, row = ''] = stdout.split('\n');
  assert.match(head ?? '', /^id +tenant +reads +writes +rights +expires +limits +note$/);
  assert.match(row, new RegExp(`^${id} +acme +main +main +cache,files,objects,builds +\\S+Z +- +CI of web$`));
  const days = (Date.parse(/\S+Z/.exec(row)?.[0] ?? '') - Date.now()) / DAY_MS;
  assert.ok(days > 89.9 && days <= 90, String(days));
  assert.ok(!stdout.includes(made.stdout.trim().slice(-43)));
});

test('limits of a token’s own are told when it is made, and listed', async () => {
  const limits = ['--limit-requests', '600/m', '--limit-bytes', 'none'];
  const made = await token(['new', ...limits, '--file', 'limits.yml']);
  assert.match(made.stderr, /does not expire, with limits of its own: requests 600\/m and bytes none\./);
  const { stdout } = await token(['ls', '--file', 'limits.yml']);
  assert.match(stdout, / +- +requests 600\/m, bytes none$/m);
});

test('a revoked token is gone from the list, and to revoke it again fails', async () => {
  const [, id = ''] = (await token(['new', '--file', 'revoke.yml'])).stdout.split('_');
  assert.equal((await token(['revoke', id, '--file', 'revoke.yml'])).exitCode, 0);
  assert.ok(!(await token(['ls', '--file', 'revoke.yml'])).stdout.includes(id));
  const again = await token(['revoke', id, '--file', 'revoke.yml']);
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, new RegExp(`there is no token ${id} in revoke\\.yml`));
});

test('the file may be named by the variable that the server reads', async () => {
  const env = { VC_AUTH_TOKENS_FILE: join(folder.path, 'env.yml') };
  assert.equal((await token(['new'], env)).exitCode, 0);
  assert.equal((await token(['ls'], env)).stdout.trim().split('\n').length, 2);
});

test('what cannot be is told with exit code 2', async () => {
  const cases: [string[], RegExp][] = [
    [['new'], /Name the token file: --file tokens\.yml, or VC_AUTH_TOKENS_FILE/],
    [['ls', '--file', 'none.yml'], /There is no file .*none\.yml; `velocity token new` makes it/],
    [
      ['new', '--file', 'x.yml', '--preset', 'mian'],
      /Allowed choices are main, pull-request, developer, admin/,
    ],
    [['new', '--file', 'x.yml', '--expires', 'soon'], /--expires soon: expected a duration/],
    [['new', '--file', 'x.yml', '--expires', '0d'], /--expires 0d: expected a duration/],
    [
      ['new', '--file', 'x.yml', '--limit-requests', '600'],
      /--limit-requests 600: expected a number of requests/,
    ],
    [['new', '--file', 'x.yml', '--limit-bytes', '0B/h'], /--limit-bytes 0B\/h: expected a size .*or none/],
    [['new', '--file', 'x.yml', '--scope', 'PR'], /--scope PR: expected a name of 1 to 64/],
    [
      ['new', '--file', 'x.yml', '--preset', 'pull-request', '--scope', 'main'],
      /never writes the scope "main"/,
    ],
    [['revoke', '--file', 'x.yml'], /missing required argument 'id'/],
  ];
  for (const [args, says] of cases) {
    const { exitCode, stdout, stderr } = await token(args);
    assert.deepEqual([exitCode, stdout], [2, ''], args.join(' '));
    assert.match(stderr, says);
  }
});
