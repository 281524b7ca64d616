import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const ENV = {
  VC_AUTH_BEARER_TOKEN: 'do-not-show-1',
  VC_STORES__media__TYPE: 's3',
  VC_STORES__media__BUCKET: 'bucket-of-media',
  VC_STORES__media__ACCESS_KEY: 'do-not-show-2',
  VC_STORES__media__SECRET_KEY: 'do-not-show-3',
};

async function config(args: readonly string[], env: NodeJS.ProcessEnv) {
  const io = new CapturedIo({ env });
  const exitCode = await runCli(['config', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

test('stores are shown setting by setting with their origins, and secrets never', async () => {
  for (const args of [[], ['--json']]) {
    const { exitCode, stdout } = await config(args, ENV);
    assert.equal(exitCode, 0);
    for (const shown of ['stores.media.type', 'bucket-of-media', 'VC_STORES__media__BUCKET', '***'])
      assert.ok(stdout.includes(shown), shown);
    assert.ok(!stdout.includes('do-not-show'));
    assert.ok(!stdout.includes('stores.media.container'), 'what its type does not have is not there');
  }
});

test('a failover is shown with the stores it reads from', async () => {
  const env = { ...ENV, VC_STORES__both__TYPE: 'failover', VC_STORES__both__STORES: 'media' };
  const { stdout } = await config([], env);
  assert.match(stdout, /^stores\.both\.stores +media +VC_STORES__both__STORES$/m);
});

test('a store that is wrong is told with all other mistakes, and its secrets are not', async () => {
  const env = { ...ENV, VC_STORES__media__BUKCET: 'x', VC_STORES__media__SECRET_KEY: '', VC_PORT: 'x' };
  const { exitCode, stderr } = await config([], env);
  assert.equal(exitCode, 2);
  assert.match(stderr, /VC_STORES__media__BUKCET: there is no such setting \(did you mean "bucket"\?\)/);
  assert.match(stderr, /VC_PORT: port: expected/);
  assert.ok(!stderr.includes('do-not-show'));
});

test('the lines around a mistake in a file show no secret either', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'c.yaml');
  const lines = ['stores:', '  media:', '    type: s3', '    access_key: do-not-show', '    bukcet: x'];
  await writeFile(path, [...lines, '    secret_key: "do-not-show"', '    bucket: b'].join('\n'));
  const { stderr } = await config(['--config', path], {});
  assert.match(
    stderr,
    /4 \| {5}access_key: \*{3}\n> 5 \| {5}bukcet: x\n {4}\| {5}\^{6}\n {2}6 \| {5}secret_key: \*{3}/,
  );
  assert.ok(!stderr.includes('do-not-show'));
});

test('the schema tells of stores', async () => {
  const { stdout } = await config(['--schema'], {});
  const schema = JSON.parse(stdout) as { properties: Record<string, unknown> };
  assert.ok('stores' in schema.properties && 'cache' in schema.properties);
});
