/** `velocity sidecar` as a process: beside commands of any kind, and beside the real Nx. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CliProcess, type CliResult, velocity } from '../rig/cli.ts';
import { freePort } from '../rig/free-port.ts';
import { HttpServer } from '../rig/http-server.ts';
import { BESIDE_SIDECAR, NxWorkspace } from '../rig/nx.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

let folder: TempFolder;
let server: ServerProcess;
before(async () => {
  folder = await openTempFolder();
  server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'store') });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const envOf = (url: string, token = TEST_TOKEN): Record<string, string> => ({
  VELOCITY_REMOTE_URL: url,
  VELOCITY_TOKEN: token,
});

/** Runs a script of Node beside a sidecar. */
function beside(
  script: string,
  env: Readonly<Record<string, string>> = envOf(server.url),
): Promise<CliResult> {
  return velocity(['sidecar', '--', process.execPath, '-e', script], { cwd: folder.path, env });
}

describe('a command beside a sidecar', () => {
  test('finds its cache in the environment, and no token of ours', async () => {
    const script = `
      const { NX_SELF_HOSTED_REMOTE_CACHE_SERVER: nx, TURBO_API, VELOCITY_SIDECAR_URL, VELOCITY_TOKEN } = process.env;
      const status = fetch(TURBO_API + '/v8/artifacts/status').then((answer) => answer.json());
      status.then((said) => console.log(JSON.stringify([nx === TURBO_API, nx === VELOCITY_SIDECAR_URL, VELOCITY_TOKEN, said])));`;
    const { exitCode, stdout, stderr } = await beside(script);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [true, true, null, { status: 'enabled' }]);
    assert.equal(stderr, '', 'where all is well there is nothing to say');
  });

  test('gives its exit code, or as a shell says the signal that ended it', async () => {
    assert.equal((await beside('process.exit(7)')).exitCode, 7);
    assert.equal((await beside('process.kill(process.pid, "SIGTERM")')).exitCode, 143);
  });

  test('that cannot be found is 127', async () => {
    const args = ['sidecar', '--', 'there-is-no-such-program'];
    const { exitCode, stderr } = await velocity(args, { cwd: folder.path, env: envOf(server.url) });
    assert.equal(exitCode, 127);
    assert.match(stderr, /there-is-no-such-program cannot be run \(ENOENT\)/);
  });

  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    test(`is told of ${name}, ends in its own way, and its exit code is ours`, async () => {
      const script = `process.on('${name}', () => { console.log('cleaned up'); process.exit(${code}); });
        setInterval(() => {}, 1000); console.log('ready');`;
      const cli = new CliProcess(['sidecar', '--', process.execPath, '-e', script], {
        cwd: folder.path,
        env: envOf(server.url),
      });
      await until(async () => cli.stdout.includes('ready'));
      cli.child.kill(name);
      const { exitCode, stdout } = await cli.result;
      assert.deepEqual([exitCode, stdout], [code, 'ready\ncleaned up\n']);
    });

  test('that does not end is killed by the second signal', async () => {
    const script = `process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1000); console.log('ready');`;
    const cli = new CliProcess(['sidecar', '--', process.execPath, '-e', script], {
      cwd: folder.path,
      env: envOf(server.url),
    });
    await until(async () => cli.stdout.includes('ready'));
    cli.child.kill('SIGTERM');
    await until(async () => cli.stdout.includes('no'));
    cli.child.kill('SIGTERM');
    assert.equal((await cli.result).exitCode, 137);
  });
});

test('a sidecar without a command serves until a signal, and says at its end what was not served', async () => {
  const cli = new CliProcess(['sidecar', '--port', '0'], {
    cwd: folder.path,
    env: envOf(`http://user:secret@127.0.0.1:${await freePort()}`),
  });
  await until(async () => cli.stderr.includes('stands for'));
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(cli.stderr) ?? [];
  for (let request = 0; request < 3; request++) assert.equal((await fetch(`${url}/v1/cache/1`)).status, 404);
  cli.child.kill('SIGINT');
  const { exitCode, stderr } = await cli.result;
  assert.equal(exitCode, 0);
  assert.equal(stderr.match(/does not serve \(ECONNREFUSED\)/g)?.length, 1);
  assert.match(stderr, /of 3 requests the gateway did not serve 3: 3 were told as misses/);
  assert.doesNotMatch(stderr, /secret/);
});

describe('what is configured wrongly is said before anything runs', () => {
  test('no gateway', async () => {
    const { exitCode, stdout, stderr } = await beside('console.log("ran")', {});
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /Set VELOCITY_REMOTE_URL/);
  });

  test('a flag', async () => {
    for (const flags of [
      ['--port', '70000'],
      ['--timeout', 'soon'],
    ]) {
      const args = ['sidecar', ...flags, '--', 'true'];
      assert.equal((await velocity(args, { cwd: folder.path, env: envOf(server.url) })).exitCode, 2);
    }
  });
});

describe('the real Nx beside a sidecar', () => {
  test('builds where the gateway is gone, and without the sidecar does not', async () => {
    await using workspace = await NxWorkspace.open('gone');
    const url = `http://127.0.0.1:${await freePort()}`;
    const alone = await workspace.build({ NX_SELF_HOSTED_REMOTE_CACHE_SERVER: url });
    assert.equal(alone.exitCode, 1, alone.output);
    const built = await workspace.build(envOf(url), BESIDE_SIDECAR);
    assert.equal(built.exitCode, 0, built.output);
    assert.ok(workspace.isBuilt);
    assert.equal(built.output.match(/does not serve/g)?.length, 1);
  });

  for (const [what, status, type] of [
    ['a proxy that answers 502', 502, 'text/html'],
    ['a login page', 200, 'text/html; charset=utf-8'],
    ['a gateway that knows no token', 401, 'text/plain'],
  ] as const)
    test(`builds behind ${what}`, async () => {
      await using proxy = await HttpServer.start((request, response) => {
        request.resume();
        response.writeHead(status, { 'content-type': type }).end('<html>');
      });
      await using workspace = await NxWorkspace.open(what);
      const built = await workspace.build(envOf(proxy.url), BESIDE_SIDECAR);
      assert.equal(built.exitCode, 0, built.output);
      assert.ok(workspace.isBuilt);
    });

  test('builds where the gateway never answers, after one wait for all tasks', async () => {
    await using silent = await HttpServer.start(() => {});
    await using workspace = await NxWorkspace.open('silent');
    const through = [...BESIDE_SIDECAR.slice(0, -1), '--timeout', '500ms', '--'];
    const built = await workspace.build(envOf(silent.url), through);
    assert.equal(built.exitCode, 0, built.output);
    assert.ok(workspace.isBuilt);
    assert.match(built.output, /no answer for 500 ms/);
  });
});
