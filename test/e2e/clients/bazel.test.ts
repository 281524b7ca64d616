/** The real Bazel (Debian's 4.2.3), with this server as its HTTP cache. A run costs seconds, so each asks much. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../../src/base/digest.ts';
import { runTool } from '../../rig/build-tool.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { TempWorkspace } from '../../rig/temp-workspace.ts';

const ready = await ensureDebian({ programs: ['bazel'], packages: ['bazel-bootstrap'] });
const skip = ready === 'ready' ? false : ready.skip;

const FILES = {
  WORKSPACE: '',
  // One action with a file, one with a folder (a tree, to the protocol), and one that prints.
  BUILD: `
load(":folder.bzl", "folder")
genrule(name = "file", srcs = ["source.txt"], outs = ["file.txt"], cmd = "cat $< $< > $@")
folder(name = "folder", src = "source.txt")
genrule(name = "loud", srcs = ["source.txt"], outs = ["loud.txt"], cmd = "echo printed; cp $< $@")
`,
  'folder.bzl': `
def _folder(ctx):
    made = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [made],
        inputs = [ctx.file.src],
        command = "mkdir -p {0}/sub && cp {1} {0}/sub/copy.txt && touch {0}/empty".format(made.path, ctx.file.src.path),
    )
    return [DefaultInfo(files = depset([made]))]

folder = rule(implementation = _folder, attrs = {"src": attr.label(allow_single_file = True)})
`,
};

describe('bazel', { skip }, () => {
  let folder: TempFolder;
  let workspace: TempWorkspace;
  let source = '';
  before(async () => {
    folder = await openTempFolder();
    workspace = await TempWorkspace.open(FILES, { git: false });
  });
  after(async () => {
    await workspace[Symbol.asyncDispose]();
    // Bazel takes the right to write away from what it keeps.
    await runTool('chmod', ['-R', 'u+w', folder.path], { cwd: folder.path });
    await folder[Symbol.asyncDispose]();
  });

  let names = 0;
  const freshRoot = (): string => join(folder.path, `store-${names++}`);

  /** A source that no test before had. */
  function write(): void {
    source = `${randomBytes(8).toString('hex')}\n`;
    workspace.write({ 'source.txt': source });
  }

  async function bazel(...args: readonly string[]): Promise<string> {
    const startup = ['--batch', `--output_user_root=${join(folder.path, 'bazel')}`, '--nohome_rc'];
    const { exitCode, output } = await runTool('bazel', [...startup, ...args], { cwd: workspace.root });
    assert.equal(exitCode, 0, output);
    return output;
  }

  /** As on another machine; how many of the three actions were taken from the cache, and what Bazel said. */
  async function build(cache: string, ...flags: readonly string[]): Promise<readonly [number, string]> {
    await bazel('clean');
    const output = await bazel(
      'build',
      '//:all',
      `--remote_cache=${cache}`,
      '--spawn_strategy=local',
      '--color=no',
      '--curses=no',
      ...flags,
    );
    const made = (path: string): string => workspace.read(join('bazel-bin', path));
    assert.deepEqual(
      [made('file.txt'), made('folder/sub/copy.txt'), made('folder/empty'), made('loud.txt')],
      [source + source, source, '', source],
    );
    return [Number(/(\d+) remote cache hit/.exec(output)?.[1] ?? 0), output];
  }

  const withToken = (server: ServerProcess, path = '', token = TEST_TOKEN): string =>
    `${server.url.replace('//', `//ci:${token}@`)}${path}`;
  const COMPLAINT = /WARNING.*(remote|cache|transfer)/i;

  test('what one machine built another takes from the cache: below base paths, with Basic and Bearer', async () => {
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot() });
    const header = `--remote_header=Authorization=Bearer ${TEST_TOKEN}`;
    for (const [cache, ...flags] of [
      [withToken(server)],
      [`${server.url}/team/app`, header],
      [withToken(server, '/t/default/other')],
    ] as const) {
      write();
      const [none, first] = await build(cache, ...flags);
      const [all, second] = await build(cache, ...flags);
      assert.deepEqual([none, all], [0, 3]);
      for (const output of [first, second]) assert.doesNotMatch(output, COMPLAINT);
      assert.match(second, /printed/);
    }
    const [shared] = await build(`${server.url}/elsewhere`, header);
    assert.equal(shared, 0, 'an instance has results of its own');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /vc_cache_uploads_total\{protocol="bazel",outcome="exists"\} [1-9]/);
  });

  test('a token that only reads takes what is there; what is not is built, and its upload refused', async () => {
    const file = join(folder.path, 'tokens.yml');
    const reader = await newToken(file, 'developer');
    await using server = await ServerProcess.start({
      VC_LOCAL_ROOT: freshRoot(),
      VC_AUTH_TOKENS_FILE: file,
    });
    const readOnly = withToken(server, '', reader);
    write();
    const [none, output] = await build(readOnly);
    assert.equal(none, 0);
    assert.match(output, COMPLAINT);
    assert.doesNotMatch((await build(readOnly, '--remote_upload_local_results=false'))[1], COMPLAINT);
    await build(withToken(server));
    assert.equal((await build(readOnly))[0], 3);
  });

  test('a blob that is gone or damaged: its action is a miss, is built, and its result is stored anew', async () => {
    const root = freshRoot();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
    write();
    await build(withToken(server));
    const blobs = join(root, 'store-v1', 'bazel', 'cas');
    rmSync(join(blobs, `${digestOf(source + source)}.blob`)); // of `file`
    assert.equal((await build(withToken(server)))[0], 2);
    assert.equal((await build(withToken(server)))[0], 3);

    // Found when it is read: Bazel asked for the result, and now builds it itself.
    truncateSync(join(blobs, `${digestOf(source + source)}.blob`), 5);
    await build(withToken(server));
    assert.equal((await build(withToken(server)))[0], 3);
    for (const name of readdirSync(blobs)) truncateSync(join(blobs, name), 0);
    await build(withToken(server));
    assert.equal((await build(withToken(server)))[0], 3);
  });

  test('a storage that fails, an unknown token, and a server that is gone: the build goes on', async () => {
    const root = freshRoot();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
    write();
    await build(withToken(server));
    assert.equal((await build(withToken(server, '', 'unknown')))[0], 0);
    renameSync(join(root, 'store-v1'), join(root, 'away'));
    writeFileSync(join(root, 'store-v1'), 'no folder');
    const [none, output] = await build(withToken(server));
    assert.equal(none, 0);
    assert.match(output, COMPLAINT);
    await server[Symbol.asyncDispose]();
    assert.equal((await build(withToken(server)))[0], 0);
  });
});
