/** The real Gradle (Debian's 4.4.1), with this server as its remote build cache. A run costs seconds, so each asks much. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { TempWorkspace } from '../../rig/temp-workspace.ts';
import { until } from '../../rig/until.ts';

const ready = await ensureDebian({ programs: ['gradle'], packages: ['gradle'] });
const skip = ready === 'ready' ? false : ready.skip;

const FILES = {
  'settings.gradle': `
buildCache {
  local { enabled = false }
  remote(HttpBuildCache) {
    url = System.getenv('CACHE_URL')
    push = true
    credentials { username = 'gradle'; password = System.getenv('CACHE_TOKEN') }
  }
}`,
  // Two tasks, of which the second is asked for after the first was stored or refused.
  'build.gradle': `
@CacheableTask
class Shout extends DefaultTask {
  @InputFile @PathSensitive(PathSensitivity.NONE) File source
  @OutputFile File result
  @TaskAction void run() { result.text = source.text.toUpperCase() }
}
task first(type: Shout) { source = file('first.txt'); result = file("$buildDir/first.txt") }
task second(type: Shout) { dependsOn first; source = file('second.txt'); result = file("$buildDir/second.txt") }`,
};

describe('gradle', { skip }, () => {
  let folder: TempFolder;
  let workspace: TempWorkspace;
  before(async () => {
    folder = await openTempFolder();
    workspace = await TempWorkspace.open(FILES, { git: false });
  });
  after(async () => {
    await workspace[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  let names = 0;
  const freshRoot = (): string => join(folder.path, `store-${names++}`);

  /** Sources that no test before had; Gradle knows nothing of them. */
  function write(first: string, second: string = randomBytes(8).toString('hex')): void {
    workspace.write({ 'first.txt': first, 'second.txt': second });
  }

  /** As on another machine; what each task was taken from, and what Gradle said. */
  async function build(url: string, token = TEST_TOKEN): Promise<readonly [string, string, string]> {
    workspace.remove('build', '.gradle');
    const { exitCode, output } = await runTool(
      'gradle',
      ['--no-daemon', '--build-cache', '--console=plain', 'second'],
      {
        cwd: workspace.root,
        env: { CACHE_URL: url, CACHE_TOKEN: token, GRADLE_USER_HOME: join(folder.path, 'gradle-home') },
      },
    );
    assert.equal(exitCode, 0, output);
    for (const name of ['first', 'second'])
      assert.equal(workspace.read(`build/${name}.txt`), workspace.read(`${name}.txt`).toUpperCase());
    const of = (task: string): string => (output.includes(`:${task} FROM-CACHE`) ? 'hit' : 'built');
    return [of('first'), of('second'), output];
  }

  function requests({ log }: ServerProcess): string[] {
    return log.flatMap(({ message, path, method, status }) =>
      message === 'request' && String(path).includes('/gradle/') ? [`${method} ${status}`] : [],
    );
  }

  /** Another process's log may come after its client's end. */
  async function assertRequests(server: ServerProcess, expected: readonly string[]): Promise<void> {
    await until(async () => requests(server).length >= expected.length);
    assert.deepEqual(requests(server), expected);
  }

  const GIVEN_UP = /remote build cache.* disabled/i;

  test('what one machine built another takes from the cache, below a tenant and with a token that only reads too', async () => {
    const file = join(folder.path, 'tokens.yml');
    const reader = await newToken(file, 'developer');
    await using server = await ServerProcess.start({
      VC_LOCAL_ROOT: freshRoot(),
      VC_AUTH_TOKENS_FILE: file,
    });
    const url = `${server.url}/t/default/gradle/team-a/`;
    write('one');
    assert.deepEqual((await build(url)).slice(0, 2), ['built', 'built']);
    assert.deepEqual((await build(url)).slice(0, 2), ['hit', 'hit']);
    write('one'); // the first as it was, the second another
    const [first, second, output] = await build(url, reader);
    assert.deepEqual([first, second], ['hit', 'built']);
    assert.match(output, GIVEN_UP);
    const stored = ['GET 404', 'PUT 200'];
    await assertRequests(server, [
      ...stored,
      ...stored,
      'GET 200',
      'GET 200',
      'GET 200',
      'GET 404',
      'PUT 403',
    ]);
  });

  test('an entry that is too large is dropped and the cache is used on; where it is to be refused, Gradle gives up', async () => {
    const env = { VC_LOCAL_ROOT: freshRoot(), VC_ARTIFACT_MAX_SIZE: '4KiB' };
    write(randomBytes(20_000).toString('hex'));
    {
      await using server = await ServerProcess.start(env);
      assert.doesNotMatch((await build(`${server.url}/gradle/`))[2], GIVEN_UP);
      await assertRequests(server, ['GET 404', 'PUT 200', 'GET 404', 'PUT 200']);
      assert.deepEqual((await build(`${server.url}/gradle/`)).slice(0, 2), ['built', 'hit']);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      assert.match(metrics, /vc_cache_uploads_total\{protocol="gradle",outcome="dropped"\} 2/);
    }
    await using refusing = await ServerProcess.start({ ...env, VC_GRADLE_OVERSIZE: 'refuse' });
    assert.match((await build(`${refusing.url}/gradle/`))[2], GIVEN_UP);
    await assertRequests(refusing, ['GET 404', 'PUT 413']);
  });

  test('a damaged entry is built and stored anew; a storage that fails is a miss, and no reason to give up', async () => {
    const root = freshRoot();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
    write('three');
    await build(`${server.url}/gradle/`);
    const entries = join(root, 'store-v1', 'gradle');
    for (const name of readdirSync(entries)) truncateSync(join(entries, name), 50);
    assert.deepEqual((await build(`${server.url}/gradle/`)).slice(0, 2), ['built', 'built']);
    const stored = ['GET 404', 'PUT 200', 'GET 404', 'PUT 200'];
    await assertRequests(server, [...stored, ...stored]);

    // Whatever is asked of the storage now fails.
    renameSync(join(root, 'store-v1'), join(root, 'away'));
    writeFileSync(join(root, 'store-v1'), 'no folder');
    const [first, second, output] = await build(`${server.url}/gradle/`);
    assert.deepEqual([first, second], ['built', 'built']);
    assert.doesNotMatch(output, GIVEN_UP);
    await assertRequests(server, [...stored, ...stored, ...stored]);
    assert.equal(server.log.filter(({ message }) => message === 'a request failed').length, 4);
  });

  test('an unknown token, and a server that is gone: the build goes on', async () => {
    const server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot() });
    write('four');
    assert.match((await build(`${server.url}/gradle/`, 'unknown'))[2], GIVEN_UP);
    await server[Symbol.asyncDispose]();
    assert.match((await build(`${server.url}/gradle/`))[2], GIVEN_UP);
  });
});
