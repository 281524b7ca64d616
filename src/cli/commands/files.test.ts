import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { FilesServer } from '../../../test/rig/files-server.ts';
import { openTempFolder, type TempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const LONG_AGO = (Date.now() - 40 * 24 * 3600_000) / 1000;

async function prune(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const io = new CapturedIo({ env, cwd: '/' });
  const exitCode = await runCli(['files', 'prune', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** With `cache/old`, of 10 bytes and unread for long, and `cache/new`. */
async function filledFolder(): Promise<TempFolder> {
  const folder = await openTempFolder();
  await mkdir(join(folder.path, 'cache'));
  for (const name of ['old', 'new']) await writeFile(join(folder.path, 'cache', name), '0123456789');
  await utimes(join(folder.path, 'cache/old'), LONG_AGO, LONG_AGO);
  return folder;
}

test('what nobody has read goes, is listed, and is counted', async () => {
  await using folder = await filledFolder();
  const flags = ['--files-root', folder.path, '--unread', '30d'];
  const dry = await prune([...flags, '--dry-run']);
  assert.equal(dry.exitCode, 0, dry.stderr);
  assert.match(dry.stdout, /^cache\/old\t10\t\d{4}-/);
  assert.match(dry.stderr, /^1 would be removed \(10 B\), 1 kept/);
  assert.equal(existsSync(join(folder.path, 'cache/old')), true);
  assert.equal((await prune([...flags, 'elsewhere'])).stdout, '');
  const done = await prune([...flags, 'cache']);
  assert.equal(done.stdout, dry.stdout);
  assert.match(done.stderr, /^1 removed/);
  assert.equal(existsSync(join(folder.path, 'cache/old')), false);
  assert.equal(existsSync(join(folder.path, 'cache/new')), true);
});

test('what may go is said by flags or by the settings, and by nothing else', async () => {
  await using folder = await filledFolder();
  const env = { VC_FILES_ROOT: folder.path };
  for (const args of [[], ['--unread', 'long'], ['--max-size', 'much']]) {
    const { exitCode, stderr } = await prune(args, env);
    assert.equal(exitCode, 2, stderr);
  }
  assert.equal((await prune(['--unread', '30d'])).exitCode, 2);
  assert.notEqual((await prune(['--unread', '30d', '../x'], env)).exitCode, 0);
  const { stderr } = await prune([], { ...env, VC_FILES_PRUNE_MAX_SIZE: '10B' });
  assert.match(stderr, /^1 removed/);
});

test('a server that has the folder is asked, and what it says is told', async () => {
  await using server = await FilesServer.start();
  await server.put('cache/old', '0123456789');
  await utimes(server.at('cache/old'), LONG_AGO, LONG_AGO);
  const flags = ['--server', server.url, '--unread', '30d'];
  const refused = await prune(flags, { VELOCITY_TOKEN: 'main' });
  assert.notEqual(refused.exitCode, 0);
  assert.match(refused.stderr, /403/);
  assert.match(
    (await prune([...flags, '--dry-run'], { VELOCITY_TOKEN: 'admin' })).stderr,
    /^1 would be removed/,
  );
  assert.equal(existsSync(server.at('cache/old')), true);
  const own = await prune(['--files-root', server.root, '--unread', '30d']);
  assert.notEqual(own.exitCode, 0, 'the server has it for itself');
  assert.match((await prune(flags, { VELOCITY_TOKEN: 'admin' })).stderr, /^1 removed \(10 B\)/);
  assert.equal(existsSync(server.at('cache/old')), false);
  const nobody = await prune(['--server', 'http://127.0.0.1:9', '--unread', '30d']);
  assert.match(nobody.stderr, /does not answer/);
  assert.equal((await prune(['--server', 'nowhere', '--unread', '30d'])).exitCode, 2);
});
