import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const PAIR = /^auth:\n {2}public_key: "([\w-]{43})"\n {2}private_key: "([\w-]{43})"\n$/;

async function keygen(args: readonly string[], cwd = '/') {
  const io = new CapturedIo({ cwd });
  const exitCode = await runCli(['keygen', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

test('a new pair is printed as YAML, each time another', async () => {
  const [one, two] = [await keygen([]), await keygen([])];
  assert.equal(one.exitCode, 0);
  assert.match(one.stdout, PAIR);
  assert.notEqual(one.stdout, two.stdout);
});

test('into a file it goes for its owner alone, and the private key nowhere else', async () => {
  await using folder = await openTempFolder();
  const { exitCode, stdout, stderr } = await keygen(['--out', 'auth.keys.yaml'], folder.path);
  assert.deepEqual([exitCode, stdout], [0, '']);
  const path = join(folder.path, 'auth.keys.yaml');
  const [, publicKey = '', privateKey = ''] = PAIR.exec(await readFile(path, 'utf8')) ?? [];
  assert.ok(stderr.includes(publicKey) && !stderr.includes(privateKey) && privateKey !== '');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a file that is there already is left as it is', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'auth.keys.yaml');
  await writeFile(path, 'mine');
  const { exitCode, stderr } = await keygen(['--out', path]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /There is a file .*auth\.keys\.yaml already/);
  assert.equal(await readFile(path, 'utf8'), 'mine');
});

test('a file that cannot be written is told of', async () => {
  const { exitCode, stderr } = await keygen(['--out', '/proc/nowhere/keys.yaml']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /^velocity: Could not write \/proc\/nowhere\/keys\.yaml: ENOENT/);
});
