/** A real PHP worker that asks for builds, the real build server, and the real proxy between them and the clients. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isRunning } from '../../src/base/process-identity.ts';
import { type Answer, ask } from '../rig/ask.ts';
import { ensureDebian } from '../rig/debian.ts';
import { freePort } from '../rig/free-port.ts';
import { PhpWorker } from '../rig/php-worker.ts';
import { RunningProxy } from '../rig/running-proxy.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const run = promisify(execFile);
const TOKEN = 'a-token-of-builds-0123456789';

/** Builds that note that they began, and end when there is a file called `open`; a program; and one of 48 MiB. */
function recipes(folder: string): string {
  const gated = [
    `echo $$ >> ${folder}/begun`,
    // Also when the test is over: whoever should end it may have been killed.
    `while [ -d ${folder} -a ! -e ${folder}/open ]; do sleep 0.02; done`,
    'head -c 1000000 /dev/urandom > it',
  ];
  return `
token: ${TOKEN}
recipes:
  hello:
    match: { plugins: example.com/hello }
    command: [cc, -o, '{output}', main.c, '-DVERSION="{rr_version}"', '-DSPEC="{spec}"']
    output: hello
    files: [{ path: main.c, text: "#include <stdio.h>\\nint main(void) { return puts(VERSION) < 0; }\\n" }]
  broken:
    match: { plugins: example.com/broken }
    command: [cc, -o, '{output}', main.c, '-DVERSION="{rr_version}"', '-DSPEC="{spec}"']
    output: broken
    files: [{ path: main.c, text: 'int main(void) { return nothing; }' }]
  gated:
    match: { plugins: example.com/gated }
    command: [sh, -c, '${gated.join('; ')}', '{spec}', '{rr_version}']
    output: it
  large:
    match: { plugins: example.com/large }
    command: [sh, -c, 'echo $$ >> ${folder}/begun; head -c 50331648 /dev/urandom > it', '{spec}', '{rr_version}']
    output: it
`;
}

/** The build server with its recipes, and the folder that a proxy keeps its binaries in. */
class Builders implements AsyncDisposable {
  readonly folder: TempFolder;
  readonly server: ServerProcess;
  readonly #stack: AsyncDisposableStack;

  private constructor(folder: TempFolder, server: ServerProcess, stack: AsyncDisposableStack) {
    this.folder = folder;
    this.server = server;
    this.#stack = stack;
  }

  static async start(port = 0): Promise<Builders> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(await openTempFolder());
    const config = join(folder.path, 'builds.yml');
    writeFileSync(config, recipes(folder.path));
    const flags = ['--config', config, '--listen', `127.0.0.1:${port}`, '--output', join(folder.path, 'out')];
    const server = stack.use(await ServerProcess.start({}, [], flags, 'build-server'));
    return new Builders(folder, server, stack);
  }

  /** What a proxy is told of it. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      VC_BUILDS_SERVER_URL: this.server.url,
      VC_BUILDS_TOKEN: TOKEN,
      VC_BUILDS_OUTPUT_FOLDERS: this.folder.path,
      VC_BUILDS_CACHE_ENABLED: 'true',
      VC_BUILDS_CACHE_DIRECTORY: this.binaries,
      ...more,
    };
  }

  get binaries(): string {
    return join(this.folder.path, 'binaries');
  }

  /** Process ids of the gated and large builds that began. */
  get begun(): readonly number[] {
    const path = join(this.folder.path, 'begun');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  }

  open(): void {
    writeFileSync(join(this.folder.path, 'open'), '');
  }

  /** The paths of what is kept, of one kind. */
  kept(ending: '.bin' | '.json'): readonly string[] {
    return readdirSync(this.binaries)
      .filter((name) => name.endsWith(ending))
      .map((name) => join(this.binaries, name));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Asks for what its path says, as the worker does. */
function asksForBuild({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const [, name, version] = url.split('/');
  response.writeHead(200, { 'X-Velox-Build': 'true', 'Content-Type': 'application/json' });
  response.end(
    JSON.stringify({ rr_version: version, plugins: [{ module_name: `example.com/${name}`, tag: version }] }),
  );
}

function problemOf({ status, body }: Answer): readonly [number, string] {
  return [status, (JSON.parse(String(body)) as { code: string }).code];
}

describe('a PHP worker behind the proxy', () => {
  const stack = new AsyncDisposableStack();
  let worker: PhpWorker | { readonly skip: string };
  let builders: Builders;
  let proxy: ServerProcess;
  before(async () => {
    worker = await PhpWorker.start();
    if ('skip' in worker) return;
    stack.use(worker);
    builders = stack.use(await Builders.start());
    const env = builders.env({ VC_PROXY_BACKEND: worker.url, XDG_RUNTIME_DIR: builders.folder.path });
    proxy = stack.use(await ServerProcess.start(env, [], [], 'proxy'));
  });
  after(() => stack.disposeAsync());

  test('answers a hundred others while what it asked for is built', async (t) => {
    if ('skip' in worker) return t.skip(worker.skip);
    const building = ask(`${proxy.url}/download/gated/v1.0.0`);
    await until(() => builders.begun.length === 1);
    for (let n = 0; n < 100; n++) {
      const { body } = await ask(`${proxy.url}/page/${n}`);
      assert.equal(String(body), `Hello from /page/${n}\n`);
    }
    builders.open();
    const { status, headers, body } = await building;
    assert.deepEqual([status, body.length, headers['content-length']], [200, 1_000_000, '1000000']);
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['content-disposition'], 'attachment; filename="gated"');
    assert.match(String(headers['server-timing']), /^worker;dur=/);
    assert.equal(headers['x-velox-build'], undefined);
  });

  test('has one thing built for fifty clients at a time, and nothing for the fifty after them', async (t) => {
    if ('skip' in worker) return t.skip(worker.skip);
    const round = (): Promise<Answer[]> =>
      Promise.all(Array.from({ length: 50 }, () => ask(`${proxy.url}/download/gated/v2.0.0`)));
    const before = builders.begun.length;
    const first = await round();
    const second = await round();
    assert.equal(builders.begun.length, before + 1);
    const [one] = first;
    assert.equal(one?.body.length, 1_000_000);
    for (const { status, body } of [...first, ...second])
      assert.ok(status === 200 && body.equals(one.body), 'each has all of the same');
  });

  test('gives curl a program that runs, and parts of it', async (t) => {
    if ('skip' in worker) return t.skip(worker.skip);
    const needed = await ensureDebian({ programs: ['cc', 'curl'], packages: ['gcc', 'libc6-dev', 'curl'] });
    if (needed !== 'ready') return t.skip(needed.skip);
    const program = join(builders.folder.path, 'hello');
    const url = `${proxy.url}/download/hello/v1.2.3`;
    await run('curl', ['-sSf', '-o', program, url]);
    await chmod(program, 0o755);
    assert.equal((await run(program)).stdout, 'v1.2.3\n');
    const [whole, part] = [readFileSync(program), await ask(url, { headers: { range: 'bytes=1-3' } })];
    assert.deepEqual([part.status, String(part.body)], [206, 'ELF']);
    assert.equal(part.headers['content-range'], `bytes 1-3/${whole.length}`);
    const etag = String(part.headers['etag']);
    assert.equal((await ask(url, { headers: { 'if-none-match': etag } })).status, 304);
  });

  test('has its clients told what does not compile, once tried', async (t) => {
    if ('skip' in worker) return t.skip(worker.skip);
    const answer = await ask(`${proxy.url}/download/broken/v1.0.0`);
    assert.deepEqual(problemOf(answer), [502, 'BUILD_FAILED']);
    assert.match(String(answer.body), /nothing/);
    assert.match(String((await ask(`${proxy.url}/after`)).body), /Hello/);
  });
});

test('a client that leaves ends the build that was for it alone', async () => {
  await using builders = await Builders.start();
  await using proxy = await RunningProxy.start(asksForBuild, { env: builders.env() });
  const asking = get(`${proxy.url}/gated/v1.0.0`);
  asking.on('error', () => {});
  await until(() => builders.begun.length === 1);
  const [pid = 0] = builders.begun;
  asking.destroy();
  await until(async () => !(await isRunning(pid)));
});

test('what is not built in its time is told so', async () => {
  await using builders = await Builders.start();
  const env = builders.env({ VC_BUILDS_BUILD_TIMEOUT: '300ms' });
  await using proxy = await RunningProxy.start(asksForBuild, { env });
  assert.deepEqual(problemOf(await proxy.ask('/gated/v1.0.0')), [504, 'BUILD_TIMEOUT']);
});

test('a build server that is away for a moment is asked again, and one that stays away fails what needs it', async () => {
  const port = await freePort();
  const env = {
    VC_BUILDS_SERVER_URL: `http://127.0.0.1:${port}`,
    VC_BUILDS_TOKEN: TOKEN,
    VC_BUILDS_RETRY_MAX_ATTEMPTS: '3',
    VC_BUILDS_RETRY_INITIAL_DELAY: '50ms',
    VC_BUILDS_RETRY_MAX_DELAY: '50ms',
    VC_BUILDS_OUTPUT_FOLDERS: '/',
  };
  await using proxy = await RunningProxy.start(asksForBuild, { env });
  assert.deepEqual(problemOf(await proxy.ask('/large/v1.0.0')), [502, 'BUILD_SERVER_FAILED']);
  assert.equal(proxy.process.log.filter(({ message }) => message === 'a build is tried again').length, 2);

  const patient = { ...env, VC_BUILDS_RETRY_MAX_ATTEMPTS: '100' };
  await using other = await RunningProxy.start(asksForBuild, { env: patient });
  const asking = other.ask('/large/v1.0.0');
  await until(() => other.hasLogged('a build is tried again'));
  await using builders = await Builders.start(port);
  assert.equal((await asking).status, 200);
  assert.equal(builders.begun.length, 1);
});

describe('binaries that are kept', () => {
  for (const [where, at] of [
    ['at once', 0],
    ['after the answer is cut before them, where they are further back', 900_000],
  ] as const)
    test(`and damaged are not sent, but asked for anew: ${where}`, async () => {
      await using builders = await Builders.start();
      builders.open();
      await using proxy = await RunningProxy.start(asksForBuild, { env: builders.env() });
      const { body: whole } = await proxy.ask('/gated/v1.0.0');
      const [path = ''] = builders.kept('.bin');
      const damaged = readFileSync(path);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(path, damaged);
      if (at > 0) {
        const cut = await proxy.ask('/gated/v1.0.0');
        assert.equal(cut.isWhole, false);
        assert.ok(cut.body.length < whole.length && cut.body.equals(whole.subarray(0, cut.body.length)));
      }
      assert.ok((await proxy.ask('/gated/v1.0.0')).body.equals(whole));
      assert.ok(proxy.hasLogged('the folder of built binaries has trouble'));
    });

  test('are found again after a kill, and what belongs to nothing is removed', async () => {
    await using builders = await Builders.start();
    builders.open();
    let whole: Buffer;
    {
      await using proxy = await RunningProxy.start(asksForBuild, { env: builders.env() });
      whole = (await proxy.ask('/gated/v1.0.0')).body;
      await proxy.ask('/gated/v2.0.0');
      await until(() => builders.kept('.json').length === 2);
      await proxy.process.end('SIGKILL');
    }
    await builders.server.end('SIGTERM');
    const records = builders.kept('.json').map((path) => [path, readFileSync(path, 'utf8')] as const);
    const lost = records.find(
      ([, text]) => (JSON.parse(text) as { rr_version: string }).rr_version === 'v2.0.0',
    );
    rmSync(lost?.[0] ?? '');
    writeFileSync(join(builders.binaries, `${'0'.repeat(64)}.json`), '{"hash": ');
    await using proxy = await RunningProxy.start(asksForBuild, { env: builders.env() });
    assert.ok((await proxy.ask('/gated/v1.0.0')).body.equals(whole));
    assert.equal((await proxy.ask('/gated/v2.0.0')).status, 502);
    assert.deepEqual([builders.kept('.bin').length, builders.kept('.json').length], [1, 1]);
  });

  test('and evicted while they are read are read to their end', async () => {
    await using builders = await Builders.start();
    builders.open();
    const env = builders.env({ VC_BUILDS_CACHE_MAX_ENTRIES: '1' });
    await using proxy = await RunningProxy.start(asksForBuild, { env });
    const whole = (await proxy.ask('/large/v1.0.0')).body;
    const reading = get(`${proxy.url}/large/v1.0.0`);
    const [message] = (await once(reading, 'response')) as [IncomingMessage];
    await proxy.ask('/gated/v1.0.0');
    await until(() => builders.kept('.bin').length === 1);
    const rest = Buffer.concat(await message.toArray());
    assert.ok(rest.equals(whole));
  });
});
