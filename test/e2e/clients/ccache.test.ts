/** The real ccache (Debian's), with this server as its remote storage. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../../src/base/digest.ts';
import { runTool } from '../../rig/build-tool.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { TempWorkspace } from '../../rig/temp-workspace.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const ready = await ensureDebian({ programs: ['ccache', 'gcc'], packages: ['ccache', 'gcc'] });
const skip = ready === 'ready' ? false : ready.skip;
const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** ccache's own counters since its local cache was wiped, such as `direct_cache_hit`. */
type Stats = Readonly<Record<string, number>>;

/** A machine that compiles C, with a local cache of its own. */
class Machine implements AsyncDisposable {
  readonly workspace: TempWorkspace;

  private constructor(workspace: TempWorkspace) {
    this.workspace = workspace;
  }

  static async open(): Promise<Machine> {
    return new Machine(await TempWorkspace.open({}, { git: false }));
  }

  /** @param remote as `remote_storage` takes it */
  async compile(
    remote: string,
    source: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Buffer> {
    const { workspace } = this;
    workspace.write({ ...headers, 'a.c': source });
    await this.#run(remote, ['gcc', '-c', 'a.c', '-o', 'a.o']);
    const object = readFileSync(workspace.path('a.o'));
    workspace.remove('a.o');
    return object;
  }

  /** Compiles each, eight at a time. */
  async compileAll(remote: string, sources: readonly string[]): Promise<void> {
    this.workspace.write(Object.fromEntries(sources.map((source, index) => [`${index}.c`, source])));
    const queue = sources.keys();
    const lane = async (): Promise<void> => {
      for (const index of queue) await this.#run(remote, ['gcc', '-c', `${index}.c`]);
    };
    await Promise.all(Array.from({ length: 8 }, lane));
  }

  async stats(): Promise<Stats> {
    const printed = await this.#run('', ['--print-stats']);
    return Object.fromEntries(
      printed.split('\n').flatMap((line) => {
        const [name = '', value] = line.split('\t');
        return value === undefined ? [] : [[name, Number(value)]];
      }),
    );
  }

  /** As on another machine: nothing is left but the sources. */
  wipe(): void {
    this.workspace.remove('ccache');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
  }

  async #run(remote: string, args: readonly string[]): Promise<string> {
    const { exitCode, output } = await runTool('ccache', args, {
      cwd: this.workspace.root,
      env: {
        CCACHE_DIR: this.workspace.path('ccache'),
        CCACHE_REMOTE_STORAGE: remote,
        // Of headers that were written in this same second ccache would not believe that they stay as they are.
        CCACHE_SLOPPINESS: 'include_file_mtime,include_file_ctime',
      },
    });
    assert.equal(exitCode, 0, output);
    return output;
  }
}

function remoteOf(
  server: ServerProcess,
  path = '/ccache',
  attributes = `|bearer-token=${TEST_TOKEN}`,
): string {
  return `${server.url}${path}${attributes}`;
}

/** C that no test had before. */
function freshSource(): string {
  return `const char *text = "${randomBytes(8).toString('hex')}";\n`;
}

function assertNoTrouble(stats: Stats): void {
  assert.deepEqual([stats['remote_storage_error'], stats['remote_storage_timeout']], [0, 0]);
}

function describeCcache(
  name: string,
  noStorage: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`ccache with the storage ${name}`, { skip: skip || noStorage }, () => {
    let server: ServerProcess;
    let machine: Machine;
    before(async () => {
      server = await ServerProcess.start(await storage());
      machine = await Machine.open();
    });
    after(async () => {
      await machine[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    const bearer = `|bearer-token=${TEST_TOKEN}`;
    for (const [what, path, attributes] of [
      ['in its own layout', '/ccache', bearer],
      ['in the layout flat', '/ccache', `|layout=flat${bearer}`],
      ['in the layout bazel', '/ccache', `|layout=bazel${bearer}`],
      ['with a connection for each request', '/ccache', `|keep-alive=false${bearer}`],
      ['below a tenant', '/t/default/ccache', bearer],
      ['in the layout bazel, among results of Bazel', '/some/instance', `|layout=bazel${bearer}`],
    ] as const)
      test(`what one machine compiled, another takes from the cache: ${what}`, async () => {
        machine.wipe();
        const [remote, source] = [remoteOf(server, path, attributes), freshSource()];
        const object = await machine.compile(remote, source);
        const stored = await machine.stats();
        assert.deepEqual([stored['cache_miss'], stored['remote_storage_write']], [1, 2]);
        assertNoTrouble(stored);
        machine.wipe();
        assert.deepEqual(await machine.compile(remote, source), object);
        const taken = await machine.stats();
        assert.deepEqual(
          [taken['direct_cache_hit'], taken['remote_storage_hit'], taken['cache_miss']],
          [1, 1, 0],
        );
        assertNoTrouble(taken);
      });

    test('with a user and a password, of which the password is the token', async () => {
      machine.wipe();
      const source = freshSource();
      const remote = `${server.url.replace('//', `//ci:${TEST_TOKEN}@`)}/ccache`;
      await machine.compile(remote, source);
      machine.wipe();
      await machine.compile(remote, source);
      assert.equal((await machine.stats())['direct_cache_hit'], 1);
    });

    test('one layout takes what another stored', async () => {
      machine.wipe();
      const source = freshSource();
      await machine.compile(remoteOf(server), source);
      for (const layout of ['flat', 'bazel']) {
        machine.wipe();
        await machine.compile(remoteOf(server, '/ccache', `|layout=${layout}${bearer}`), source);
        assert.equal((await machine.stats())['direct_cache_hit'], 1);
      }
    });
  });
}

describeCcache('local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'local') }));
describeCcache('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));

describe('ccache', { skip }, () => {
  test('manifests grow: each state of a header is a direct hit on another machine', async () => {
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'manifests') });
    await using machine = await Machine.open();
    const source = `#include "a.h"\n${freshSource()}`;
    const states = ['int a = 1;\n', 'int a = 2;\n', 'int a = 3;\n'];
    for (const state of states) await machine.compile(remoteOf(server), source, { 'a.h': state });
    machine.wipe();
    for (const state of states) await machine.compile(remoteOf(server), source, { 'a.h': state });
    const stats = await machine.stats();
    assert.deepEqual([stats['direct_cache_hit'], stats['cache_miss']], [3, 0]);
  });

  test('a token that only reads takes what is there and compiles what is not', async () => {
    const file = join(folder.path, 'tokens.yml');
    const reader = await newToken(file, 'developer');
    await using server = await ServerProcess.start({
      VC_LOCAL_ROOT: join(folder.path, 'read-only'),
      VC_AUTH_TOKENS_FILE: file,
    });
    await using machine = await Machine.open();
    const [known, unknown] = [freshSource(), freshSource()];
    await machine.compile(remoteOf(server), known);
    machine.wipe();
    const readOnly = remoteOf(server, '/ccache', `|bearer-token=${reader}`);
    await machine.compile(readOnly, unknown);
    await machine.compile(readOnly, known);
    const stats = await machine.stats();
    assert.deepEqual([stats['cache_miss'], stats['direct_cache_hit']], [1, 1]);
    machine.wipe();
    await machine.compile(remoteOf(server), unknown);
    assert.equal((await machine.stats())['cache_miss'], 1);
  });

  test('a token that is unknown, or a server that is gone: it is compiled', async () => {
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'gone') });
    await using machine = await Machine.open();
    const source = freshSource();
    await machine.compile(remoteOf(server), source);
    machine.wipe();
    await machine.compile(remoteOf(server, '/ccache', '|bearer-token=unknown'), source);
    assert.equal((await machine.stats())['cache_miss'], 1);
    await server[Symbol.asyncDispose]();
    machine.wipe();
    await machine.compile(remoteOf(server), source);
    assert.equal((await machine.stats())['cache_miss'], 1);
  });

  test('damaged entries are compiled and stored anew; a storage that fails is a miss', async () => {
    const root = join(folder.path, 'damaged');
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
    await using machine = await Machine.open();
    const source = freshSource();
    const object = await machine.compile(remoteOf(server), source);
    const entries = join(root, 'store-v1', 'ccache');
    for (const name of readdirSync(entries)) truncateSync(join(entries, name), 20);
    for (const [what, expected] of [
      ['built', { cache_miss: 1, direct_cache_hit: 0 }],
      ['taken', { cache_miss: 0, direct_cache_hit: 1 }],
    ] as const) {
      machine.wipe();
      assert.deepEqual(await machine.compile(remoteOf(server), source), object, what);
      const { cache_miss, direct_cache_hit } = await machine.stats();
      assert.deepEqual({ cache_miss, direct_cache_hit }, expected, what);
    }
    renameSync(join(root, 'store-v1'), join(root, 'away'));
    writeFileSync(join(root, 'store-v1'), 'no folder');
    machine.wipe();
    assert.deepEqual(await machine.compile(remoteOf(server), source), object);
    rmSync(join(root, 'store-v1'));
  });

  test('it connects within its 100 ms while many compile and large blobs pass', async () => {
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'load') });
    await using machine = await Machine.open();
    const blob = randomBytes(64 * 1024 * 1024);
    const authorization = `Bearer ${TEST_TOKEN}`;
    const done = new AbortController();
    const transfers = ['a', 'b'].map(async (name) => {
      const body = Buffer.concat([Buffer.from(name), blob]);
      const url = `${server.url}/cas/${digestOf(body)}`;
      await fetch(url, { method: 'PUT', headers: { authorization }, body });
      while (!done.signal.aborted) await (await fetch(url, { headers: { authorization } })).bytes();
    });
    const sources = Array.from({ length: 60 }, freshSource);
    await machine.compileAll(remoteOf(server), sources);
    assertNoTrouble(await machine.stats());
    machine.wipe();
    await machine.compileAll(remoteOf(server), sources);
    const stats = await machine.stats();
    done.abort();
    await Promise.all(transfers);
    assertNoTrouble(stats);
    assert.deepEqual([stats['direct_cache_hit'], stats['cache_miss']], [60, 0]);
  });
});
