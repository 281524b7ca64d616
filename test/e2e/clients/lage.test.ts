/** The real lage, unmodified, with this server in the place of its Azure storage account. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { buildTool } from '../../rig/build-tools.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../../rig/temp-workspace.ts';

/** As in the guide. */
const CONFIG = `module.exports = {
  pipeline: { build: ['^build'] },
  cacheOptions: {
    writeRemoteCache: true,
    outputGlob: ['lib/**'],
    cacheStorageConfig: {
      provider: 'azure-blob',
      options: {
        connectionString: \`BlobEndpoint=\${process.env.CACHE_URL}/azure;SharedAccessSignature=sig=\${process.env.CACHE_TOKEN}\`,
        container: 'lage',
      },
    },
  },
};
`;

const FILES: Files = {
  'package.json': { name: 'shop', version: '1.0.0', private: true, workspaces: ['packages/*'] },
  'package-lock.json': {
    name: 'shop',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'shop', workspaces: ['packages/*'] },
      'node_modules/a': { resolved: 'packages/a', link: true },
      'packages/a': { name: 'a', version: '1.0.0' },
    },
  },
  'lage.config.js': CONFIG,
  '.gitignore': 'lib\nnode_modules\n',
  'packages/a/package.json': { name: 'a', version: '1.0.0', scripts: { build: 'sh build.sh' } },
  'packages/a/build.sh': 'mkdir -p lib/sub && cp source.txt lib/sub/out.txt\n',
};

const [BUILT, TAKEN] = [/success: 1, skipped: 0.*failed: 0/, /success: 0, skipped: 1.*failed: 0/];

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** A repository of one package, whose source no test had before. */
function openWorkspace(): Promise<TempWorkspace> {
  return TempWorkspace.open({ ...FILES, 'packages/a/source.txt': randomBytes(100_000).toString('hex') });
}

/** As on another machine; what lage said. Whatever the cache does, the outputs must be there and right. */
async function build(workspace: TempWorkspace, url: string, token = TEST_TOKEN): Promise<string> {
  workspace.remove('node_modules', 'packages/a/lib', 'packages/a/node_modules');
  const { exitCode, output } = await runTool(
    process.execPath,
    [buildTool('lage/dist/lage.js'), 'build', '--verbose'],
    {
      cwd: workspace.root,
      env: { CACHE_URL: url, CACHE_TOKEN: token, NODE_COMPILE_CACHE: join(folder.path, 'compiled') },
    },
  );
  assert.equal(exitCode, 0, output);
  assert.equal(workspace.read('packages/a/lib/sub/out.txt'), workspace.read('packages/a/source.txt'));
  return output;
}

test('what one machine built, another takes from the cache, at the root and below the tenant', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'store') });
  await using workspace = await openWorkspace();
  assert.match(await build(workspace, server.url), BUILT);
  assert.match(await build(workspace, `${server.url}/t/default`), TAKEN);
});

test('a token that only reads stores nothing and takes what is there', async () => {
  const file = join(folder.path, 'tokens.yml');
  const reader = await newToken(file, 'developer');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'read-only'),
    VC_AUTH_TOKENS_FILE: file,
  });
  await using workspace = await openWorkspace();
  for (const [token, expected] of [
    [reader, BUILT],
    [TEST_TOKEN, BUILT],
    [reader, TAKEN],
  ] as const)
    assert.match(await build(workspace, server.url, token), expected);
});

test('a damaged blob is built and stored anew; where the storage fails lage builds, and does not try for long', async () => {
  const root = join(folder.path, 'faults');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using workspace = await openWorkspace();
  await build(workspace, server.url);
  const [blob = ''] = globSync('store-v1/azure-blobs/lage/*.blob', { cwd: root });
  const bytes = readFileSync(join(root, blob));
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  writeFileSync(join(root, blob), bytes);
  for (const expected of [BUILT, TAKEN]) assert.match(await build(workspace, server.url), expected);

  renameSync(join(root, 'store-v1'), join(root, 'away'));
  writeFileSync(join(root, 'store-v1'), 'no folder');
  const logged = server.log.length;
  assert.match(await build(workspace, server.url), BUILT);
  const asked = server.log.slice(logged).filter(({ message }) => message === 'request');
  assert.deepEqual(
    asked.map(({ method, status }) => [method, status]),
    [
      ['GET', 404],
      ['PUT', 502],
    ],
  );
});
