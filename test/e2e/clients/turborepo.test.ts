/** The real turbo, unmodified, with this server as its remote cache. */
import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { npmBinary, runTool } from '../../rig/build-tool.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../../rig/temp-workspace.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

const FILES: Files = {
  'package.json': {
    name: 'shop',
    private: true,
    packageManager: 'npm@10.0.0',
    workspaces: ['packages/*'],
  },
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
  'turbo.json': { tasks: { build: { outputs: ['dist/**'] } } },
  '.gitignore': 'dist\n.turbo\nnode_modules\n',
  'packages/a/package.json': {
    name: 'a',
    version: '1.0.0',
    scripts: { build: 'mkdir -p dist && echo built > dist/a.txt' },
  },
};

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

interface Turbo {
  readonly api: string;
  readonly token?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

async function build(workspace: TempWorkspace, { api, token = TEST_TOKEN, env = {}, args = [] }: Turbo) {
  const { exitCode, output } = await runTool(npmBinary('turbo'), ['run', 'build', ...args], {
    cwd: workspace.root,
    env: { TURBO_TELEMETRY_DISABLED: '1', TURBO_API: api, TURBO_TOKEN: token, TURBO_TEAM: 'acme', ...env },
  });
  assert.equal(exitCode, 0, output);
  return output;
}

/** As on another machine: nothing is left but the sources. */
function wipe({ root }: TempWorkspace): void {
  for (const path of ['.turbo', 'node_modules', 'packages/a/.turbo', 'packages/a/dist'])
    rmSync(join(root, path), { recursive: true, force: true });
}

function describeTurbo(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`turbo with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await ServerProcess.start(await storage());
    });
    after(() => server[Symbol.asyncDispose]());

    for (const [what, prefix, env] of [
      ['by its slug', '', {}],
      ['by its id', '', { TURBO_TEAM: '', TURBO_TEAMID: 'team_acme' }],
      ['below its tenant', '/t/default', {}],
      ['with preflight', '', { TURBO_PREFLIGHT: 'true' }],
    ] as const)
      test(`what one machine built, another takes from the cache: a team ${what}`, async () => {
        await using workspace = await TempWorkspace.open({
          ...FILES,
          'packages/a/source.txt': `${name} ${what}`,
        });
        const api = server.url + prefix;
        assert.match(await build(workspace, { api, env }), /0 cached, 1 total/);
        wipe(workspace);
        const again = await build(workspace, { api, env });
        assert.match(again, /1 cached, 1 total/);
        assert.match(again, /cache hit, replaying logs/);
        assert.equal(workspace.read('packages/a/dist/a.txt').trim(), 'built');
      });
  });
}

describeTurbo('local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'local') }));
describeTurbo('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));

test('signed artifacts come back with their tag, and are taken', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'signed') });
  await using workspace = await TempWorkspace.open({
    ...FILES,
    'turbo.json': { remoteCache: { signature: true }, tasks: { build: { outputs: ['dist/**'] } } },
  });
  const env = { TURBO_REMOTE_CACHE_SIGNATURE_KEY: 'a key of more than thirty-two bytes, for tests' };
  await build(workspace, { api: server.url, env });
  wipe(workspace);
  assert.match(await build(workspace, { api: server.url, env }), /1 cached, 1 total/);
});

test('where a tenant takes signed artifacts alone, turbo’s unsigned ones are not stored, and the build goes on', async () => {
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'tagged'),
    VC_TURBOREPO_REQUIRE_TAG: 'default',
  });
  await using workspace = await TempWorkspace.open(FILES);
  await build(workspace, { api: server.url });
  wipe(workspace);
  assert.match(await build(workspace, { api: server.url }), /0 cached, 1 total/);
  workspace.write({
    'turbo.json': { remoteCache: { signature: true }, tasks: { build: { outputs: ['dist/**'] } } },
  });
  const env = { TURBO_REMOTE_CACHE_SIGNATURE_KEY: 'a key of more than thirty-two bytes, for tests' };
  for (const cached of [/0 cached, 1 total/, /1 cached, 1 total/]) {
    wipe(workspace);
    assert.match(await build(workspace, { api: server.url, env }), cached);
  }
});

test('a damaged artifact is built and stored anew; a storage that fails is a miss, and the build goes on', async () => {
  const root = join(folder.path, 'damaged');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using workspace = await TempWorkspace.open(FILES);
  const rebuild = (): Promise<string> => {
    wipe(workspace);
    return build(workspace, { api: server.url });
  };
  await rebuild();
  const artifacts = join(root, 'store-v1', 'turborepo');
  for (const name of readdirSync(artifacts)) truncateSync(join(artifacts, name), 50);
  for (const cached of [/0 cached, 1 total/, /1 cached, 1 total/]) assert.match(await rebuild(), cached);

  // Whatever is asked of the storage now fails.
  renameSync(join(root, 'store-v1'), join(root, 'away'));
  writeFileSync(join(root, 'store-v1'), 'no folder');
  assert.match(await rebuild(), /0 cached, 1 total/);
  assert.equal(workspace.read('packages/a/dist/a.txt').trim(), 'built');
});

test('the server counts what turbo tells of hits and misses, those of its local cache too', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'counted') });
  await using workspace = await TempWorkspace.open(FILES);
  await build(workspace, { api: server.url });
  await build(workspace, { api: server.url });
  wipe(workspace);
  await build(workspace, { api: server.url });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  for (const [source, event] of [
    ['remote', 'miss'],
    ['local', 'hit'],
    ['remote', 'hit'],
  ])
    assert.match(
      metrics,
      new RegExp(
        `vc_client_lookups_total\\{protocol="turborepo",source="${source}",event="${event}"\\} [1-9]`,
      ),
    );
  assert.match(metrics, /vc_cache_hits_total\{protocol="turborepo"\} 1/);
  assert.match(metrics, /vc_cache_uploads_total\{protocol="turborepo",outcome="stored"\} 1/);
});

test('a token that only reads: turbo builds, says once that it may not upload, and reads with the next run', async () => {
  const file = join(folder.path, 'tokens.yml');
  const reader = await newToken(file, 'developer');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'read-only'),
    VC_AUTH_TOKENS_FILE: file,
  });
  await using workspace = await TempWorkspace.open(FILES);
  const output = await build(workspace, { api: server.url, token: reader });
  // Up to 2.11.9 turbo reads no more in that run, since then it does.
  assert.equal(
    output.match(/skipping uploads for this run|disabling remote caching for this run/g)?.length,
    1,
  );
  await build(workspace, { api: server.url, args: ['--force'] });
  wipe(workspace);
  assert.match(await build(workspace, { api: server.url, token: reader }), /1 cached, 1 total/);
});

test('a token that is unknown, of another tenant, or a server that is gone: the build goes on', async () => {
  await using workspace = await TempWorkspace.open(FILES);
  const server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'faults') });
  for (const turbo of [{ api: server.url, token: 'unknown' }, { api: `${server.url}/t/other` }]) {
    assert.match(await build(workspace, turbo), /0 cached, 1 total/);
    wipe(workspace);
  }
  await server[Symbol.asyncDispose]();
  assert.match(await build(workspace, { api: server.url }), /0 cached, 1 total/);
});
