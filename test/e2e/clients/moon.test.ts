/** The real moon, unmodified, with this server as its remote cache over HTTP. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { buildTool } from '../../rig/build-tools.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { TempWorkspace } from '../../rig/temp-workspace.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
let names = 0;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

const freshRoot = (): string => join(folder.path, `store-${names++}`);

/** A workspace with one task, whose source no test had before. */
async function openWorkspace(): Promise<TempWorkspace> {
  return TempWorkspace.open({
    '.moon/workspace.yml': 'projects: [app]\nvcs: { client: git }\n',
    '.gitignore': 'dist\n.moon/cache\n',
    'app/moon.yml':
      "tasks: { build: { command: 'sh build.sh', inputs: ['*.sh', '*.txt'], outputs: ['dist'] } }\n",
    'app/build.sh': 'mkdir -p dist/sub && cp source.txt dist/sub/out.txt && echo "built it"\n',
    // Long enough that it is worth coding.
    'app/source.txt': randomBytes(5000).toString('hex'),
  });
}

interface Moon {
  readonly host: string;
  readonly token?: string;
  readonly compression?: 'none' | 'zstd';
}

/** As on another machine; what moon said. */
async function build(
  workspace: TempWorkspace,
  { host, token = TEST_TOKEN, compression = 'none' }: Moon,
): Promise<string> {
  workspace.remove('app/dist', '.moon/cache');
  workspace.write({
    '.moon/workspace.yml': {
      projects: ['app'],
      vcs: { client: 'git' },
      remote: {
        api: 'http',
        host,
        auth: { token: 'CACHE_TOKEN' },
        cache: { instanceName: 'shop', compression },
      },
    },
  });
  const { exitCode, output } = await runTool(buildTool('.bin/moon'), ['run', 'app:build'], {
    cwd: workspace.root,
    env: { CACHE_TOKEN: token, HOME: join(folder.path, 'home'), DO_NOT_TRACK: '1' },
  });
  assert.equal(exitCode, 0, output);
  assert.match(output, /built it/);
  assert.equal(workspace.read('app/dist/sub/out.txt'), workspace.read('app/source.txt'));
  return output;
}

const HIT = /cached from remote/;
const COMPLAINT = /WARN|ERROR/;

function describeMoon(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`moon with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await ServerProcess.start(await storage());
    });
    after(() => server[Symbol.asyncDispose]());

    for (const [what, path, compression] of [
      ['at the root', '', 'none'],
      ['below its tenant', '/t/default', 'none'],
      ['with blobs in zstd', '', 'zstd'],
    ] as const)
      test(`what one machine built, another takes from the cache: ${what}`, async () => {
        await using workspace = await openWorkspace();
        const moon = { host: server.url + path, compression };
        const first = await build(workspace, moon);
        assert.doesNotMatch(first, HIT);
        const second = await build(workspace, moon);
        assert.match(second, HIT);
        for (const output of [first, second]) assert.doesNotMatch(output, COMPLAINT);
      });
  });
}

describeMoon('local', false, async () => ({ VC_LOCAL_ROOT: freshRoot() }));
describeMoon('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));

test('a token that only reads takes what is there; what is not is built, and moon says that it was refused', async () => {
  const file = join(folder.path, 'tokens.yml');
  const reader = await newToken(file, 'developer');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot(), VC_AUTH_TOKENS_FILE: file });
  const readOnly = { host: server.url, token: reader };
  await using workspace = await openWorkspace();
  assert.match(await build(workspace, readOnly), /Failed to store/);
  await build(workspace, { host: server.url });
  assert.match(await build(workspace, readOnly), HIT);
});

test('a blob that is gone or damaged: the task runs, and its result is stored anew', async () => {
  const root = freshRoot();
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using workspace = await openWorkspace();
  const moon = { host: server.url };
  const blobs = join(root, 'store-v1', 'bazel', 'cas');
  await build(workspace, moon);
  for (const spoil of [rmSync, (path: string) => truncateSync(path, 20)]) {
    for (const name of readdirSync(blobs)) spoil(join(blobs, name));
    assert.doesNotMatch(await build(workspace, moon), HIT);
    assert.match(await build(workspace, moon), HIT);
  }
});

test('a storage that fails, an unknown token, and a server that is gone: the task runs', async () => {
  const root = freshRoot();
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using workspace = await openWorkspace();
  await build(workspace, { host: server.url });
  assert.match(await build(workspace, { host: server.url, token: 'unknown' }), /401 Unauthorized/);
  renameSync(join(root, 'store-v1'), join(root, 'away'));
  writeFileSync(join(root, 'store-v1'), 'no folder');
  assert.doesNotMatch(await build(workspace, { host: server.url }), HIT);
  await server[Symbol.asyncDispose]();
  assert.doesNotMatch(await build(workspace, { host: server.url }), HIT);
});
