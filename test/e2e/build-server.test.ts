import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isRunning } from '../../src/base/process-identity.ts';
import { ask } from '../rig/ask.ts';
import { velocity } from '../rig/cli.ts';
import { ensureDebian } from '../rig/debian.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const run = promisify(execFile);
const BUILD = '/api.service.v1.BuildService/Build';

interface Reply {
  readonly status: number;
  readonly path: string;
  readonly success: boolean;
  readonly build_id: string;
  readonly logs: string;
  readonly code: string;
  readonly message: string;
}

async function start(folder: TempFolder, yaml: string): Promise<ServerProcess> {
  const config = join(folder.path, 'builds.yml');
  await writeFile(config, yaml);
  const flags = ['--config', config, '--listen', '127.0.0.1:0', '--output', join(folder.path, 'out')];
  return ServerProcess.start({}, [], flags, 'build-server');
}

async function build(server: ServerProcess, spec: object, headers = {}): Promise<Reply> {
  const question = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  const {
    status,
    headers: answered,
    body,
  } = await ask(server.url + BUILD, { ...question, body: JSON.stringify(spec) });
  assert.equal(answered['content-type']?.split(';')[0], 'application/json');
  return { status, ...JSON.parse(body.toString()) };
}

/** Asks and leaves the answer to whoever wants it. */
function beginToBuild(server: ServerProcess, spec: object): ClientRequest {
  const asking = request(server.url + BUILD, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  asking.on('error', () => {}); // it is cut off
  asking.end(JSON.stringify(spec));
  return asking;
}

const HELLO = `
recipes:
  hello:
    command: [cc, -Wall, '-DVERSION="{rr_version}"', -o, '{output}', main.c]
    files:
      - path: main.c
        text: |
          #include <stdio.h>
          int main(void) { return puts(VERSION) < 0; }
    output: hello
    match: { rr_version: v* }
  broken:
    command: [cc, -o, '{output}', main.c, '-DVERSION={rr_version}']
    files: [{ path: main.c, text: 'int main(void) { return nothing; }' }]
    output: hello
`;

/** Writes its number down, and runs until it is ended. */
function waiting(folder: TempFolder, more: string): string {
  const script = `echo $$ > ${folder.path}/pid.tmp; mv ${folder.path}/pid.tmp ${folder.path}/pid; exec sleep 600`;
  return `{ ${more}, recipes: { it: { command: [sh, -c, "${script}", '{spec}'], output: it } } }`;
}

async function pidOfCommand(folder: TempFolder): Promise<number> {
  const path = join(folder.path, 'pid');
  await until(async () => existsSync(path));
  return Number(await readFile(path, 'utf8'));
}

describe('velocity build-server', () => {
  let compiler: Awaited<ReturnType<typeof ensureDebian>>;
  before(async () => {
    compiler = await ensureDebian({ programs: ['cc'], packages: ['gcc', 'libc6-dev'] });
  });

  test('compiles a real program from a spec, and finds it again after a restart', async (t) => {
    if (compiler !== 'ready') return t.skip(compiler.skip);
    await using folder = await openTempFolder();
    const versions = ['v1.2.3', 'v2024.1.0-rc.1'];
    const first: Reply[] = [];
    {
      await using server = await start(folder, HELLO);
      for (const rr_version of versions) {
        const reply = await build(server, { rr_version });
        assert.deepEqual([reply.status, reply.success], [200, true]);
        assert.equal((await run(reply.path)).stdout, `${rr_version}\n`);
        first.push(reply);
      }
      assert.equal(await server.end('SIGTERM'), 0);
    }
    await using server = await start(folder, HELLO);
    const again = await Promise.all(versions.map((rrVersion) => build(server, { rrVersion })));
    assert.deepEqual(
      again.map(({ build_id, path }) => [build_id, path]),
      first.map(({ build_id, path }) => [build_id, path]),
    );
  });

  test('a program that does not compile is told with the compiler’s words, and is not to be tried again', async (t) => {
    if (compiler !== 'ready') return t.skip(compiler.skip);
    await using folder = await openTempFolder();
    await using server = await start(folder, HELLO);
    const { status, code, success, message, logs } = await build(server, { rr_version: 'master' });
    assert.deepEqual([status, code, success], [400, 'failed_precondition', false]);
    assert.match(message, /exit code 1\. Its log ends:\n[\s\S]*main\.c:1:.*nothing/);
    assert.match(logs, /main\.c:1:.*nothing/);
  });

  test('its refusals are those of the Connect protocol', async () => {
    await using folder = await openTempFolder();
    await using server = await start(folder, waiting(folder, 'token: a-token-of-builds'));
    const token = { authorization: 'Bearer a-token-of-builds' };
    const spec = { rr_version: 'v1.0.0' };
    const answers = await Promise.all([
      build(server, spec),
      build(server, spec, { authorization: 'Bearer another' }),
      build(server, { rr_version: '--help' }, token),
      build(server, { ...spec, target_platform: { os: 'linux', arch: 'amd64', abi: 'musl' } }, token),
      build(server, spec, { ...token, 'connect-protocol-version': '2' }),
      build(server, spec, { ...token, 'content-encoding': 'gzip' }),
      build(server, spec, { ...token, 'content-type': 'application/proto' }),
      build(server, spec, { ...token, 'connect-timeout-ms': '1' }),
      build(server, { rr_version: 'v1.0.0', x: 'y'.repeat(300_000) }, token),
    ]);
    assert.deepEqual(
      answers.map(({ status, code }) => `${status} ${code}`),
      [
        ...['401 unauthenticated', '401 unauthenticated', '400 invalid_argument', '400 invalid_argument'],
        ...['400 invalid_argument', '501 unimplemented', '415 unimplemented', '504 deadline_exceeded'],
        '429 resource_exhausted',
      ],
    );
    const health = await ask(`${server.url}/health`);
    assert.deepEqual([health.status, health.body.toString()], [200, '{"status":"up"}']);
  });

  test('an asker that dies takes its build with it', async () => {
    await using folder = await openTempFolder();
    await using server = await start(folder, waiting(folder, 'grace: 1s'));
    const asker = beginToBuild(server, { rr_version: 'v1.0.0' });
    const pid = await pidOfCommand(folder);
    asker.destroy();
    await until(async () => !isRunning(pid));
    await until(async () => (await readdir(join(folder.path, 'out/.velocity/work'))).length === 0);
  });

  test('SIGTERM gives builds their grace, then ends them and tells who asked', async () => {
    await using folder = await openTempFolder();
    await using server = await start(folder, waiting(folder, 'grace: 200ms'));
    const asker = beginToBuild(server, { rr_version: 'v1.0.0' });
    const answered = once(asker, 'response');
    const pid = await pidOfCommand(folder);
    const ended = server.end('SIGTERM');
    const [{ statusCode }] = await answered;
    assert.deepEqual([statusCode, await ended, isRunning(pid)], [503, 0, false]);
  });

  test('a build that is done within the grace is answered', async () => {
    await using folder = await openTempFolder();
    const go = join(folder.path, 'go');
    const script = `touch ${go}.1; until test -e ${go}.2; do sleep 0.02; done; echo x > $0`;
    const yaml = `recipes: { it: { command: [sh, -c, "${script}", '{output}', '{spec}'], output: it } }`;
    await using server = await start(folder, yaml);
    const reply = build(server, { rr_version: 'v1.0.0' });
    await until(async () => existsSync(`${go}.1`));
    const ended = server.end('SIGTERM');
    await until(async () => server.log.some(({ message }) => message === 'draining the build server'));
    await writeFile(`${go}.2`, '');
    assert.deepEqual([(await reply).status, await ended], [200, 0]);
  });

  test('mistakes of its file are told with their lines, all at once', async () => {
    await using folder = await openTempFolder();
    await writeFile(join(folder.path, 'b.yml'), 'queue: many\nrecipes:\n  a:\n    command: [make]\n');
    const { exitCode, stderr } = await velocity(['build-server', '--config', 'b.yml'], { cwd: folder.path });
    assert.equal(exitCode, 2);
    assert.match(
      stderr,
      /2 mistakes[\s\S]*queue: expected a whole number[\s\S]*recipes\.a\.output: is missing/,
    );
  });
});
