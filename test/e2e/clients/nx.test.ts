/** The real Nx, unmodified, with this server as its self-hosted remote cache. */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HttpServer } from '../../rig/http-server.ts';
import { newToken } from '../../rig/new-token.ts';
import { BESIDE_SIDECAR, NxWorkspace, nxCache, remoteHits } from '../../rig/nx.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

function describeNx(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`Nx with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await ServerProcess.start(await storage());
    });
    after(() => server[Symbol.asyncDispose]());

    for (const [where, envOf, through] of [
      ['at the root', (url: string) => nxCache(url, TEST_TOKEN), []],
      ['below its tenant', (url: string) => nxCache(`${url}/t/default`, TEST_TOKEN), []],
      [
        'beside a sidecar, without a token of its own',
        (url: string) => ({ VELOCITY_REMOTE_URL: url, VELOCITY_TOKEN: TEST_TOKEN }),
        BESIDE_SIDECAR,
      ],
    ] as const)
      test(`what one machine built, another takes from the cache: ${where}`, async () => {
        await using workspace = await NxWorkspace.open(`${name} ${where}`);
        const env = envOf(server.url);
        const first = await workspace.build(env, through);
        assert.deepEqual([first.exitCode, remoteHits(first)], [0, 0], first.output);
        const second = await workspace.build(env, through);
        assert.deepEqual([second.exitCode, remoteHits(second)], [0, 2], second.output);
        assert.match(second.output, /built a/, 'its log is there');
        assert.ok(workspace.isBuilt);
      });
  });
}

describeNx('local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'local') }));
describeNx('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));

test('a token that only reads: Nx builds, uploads nothing and says nothing of it, and reads', async () => {
  const file = join(folder.path, 'tokens.yml');
  const reader = await newToken(file, 'developer');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'read-only'),
    VC_AUTH_TOKENS_FILE: file,
  });
  await using workspace = await NxWorkspace.open('read-only');
  for (const token of [reader, TEST_TOKEN]) {
    const built = await workspace.build(nxCache(server.url, token));
    assert.deepEqual([built.exitCode, remoteHits(built)], [0, 0], built.output);
  }
  const restored = await workspace.build(nxCache(server.url, reader));
  assert.deepEqual([restored.exitCode, remoteHits(restored)], [0, 2], restored.output);
});

test('a token that is unknown: Nx ends the run with what the server says, and no other words', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'unknown') });
  await using workspace = await NxWorkspace.open('unknown');
  const { exitCode, output } = await workspace.build(nxCache(server.url, 'unknown'));
  assert.equal(exitCode, 1);
  assert.match(output, /Unauthorized: This server does not know the token that was sent/);
});

test('entries that are damaged on disk: Nx builds, and its new ones take their places', async () => {
  const root = join(folder.path, 'damaged');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using workspace = await NxWorkspace.open('damaged');
  const env = nxCache(server.url, TEST_TOKEN);
  await workspace.build(env);
  const files = globSync('store-v1/nx/*.blob', { cwd: root });
  assert.equal(files.length, 2);
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(join(root, file), bytes);
  }
  for (const hits of [0, 2]) {
    const built = await workspace.build(env);
    assert.deepEqual([built.exitCode, remoteHits(built)], [0, hits], built.output);
    assert.ok(workspace.isBuilt);
  }
});

test('a storage that is gone, or full of errors: Nx builds', async () => {
  let fails = (response: { destroy(): void; writeHead(status: number): { end(): void } }): void =>
    response.writeHead(200).end();
  await using bucket = await HttpServer.start((_request, response) => fails(response));
  await using server = await ServerProcess.start({
    VC_STORAGE_DRIVER: 's3',
    VC_S3_BUCKET: 'bucket',
    VC_ALLOW_OVERWRITE_RACE: 'true',
    VC_S3_ENDPOINT: bucket.url,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  });
  await using workspace = await NxWorkspace.open('gone');
  for (const failure of [
    (response: Parameters<typeof fails>[0]) => response.destroy(),
    (response: Parameters<typeof fails>[0]) => response.writeHead(500).end(),
  ]) {
    fails = failure;
    const built = await workspace.build(nxCache(server.url, TEST_TOKEN));
    assert.deepEqual([built.exitCode, remoteHits(built)], [0, 0], built.output);
    assert.ok(workspace.isBuilt);
  }
});
