/** The runner, the gateway and a real S3 server: the bytes go straight to the bucket. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '../../src/base/digest.ts';
import { S3Store } from '../../src/storage/drivers/s3/s3-store.ts';
import { velocity } from '../rig/cli.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { TempWorkspace } from '../rig/temp-workspace.ts';
import { openTestS3 } from '../rig/test-s3.ts';

const s3 = await openTestS3();
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

const FILES = {
  'velocity.yml':
    'version: 1\nremote:\n  url: ${GATEWAY}\n  token: ${CACHE_TOKEN}\npipeline:\n  build:\n    outputs: ["dist/**"]\n',
  'package.json': {
    name: 'only',
    scripts: { build: 'mkdir -p dist && head -c 3000000 /dev/urandom > dist/random && echo built' },
  },
  '.gitignore': 'dist\n.velocity\n',
};

/** A gateway on a bucket of its own. */
async function openGateway() {
  assert.ok(!('skip' in s3));
  Object.assign(process.env, s3.env);
  const bucket = await s3.makeBucket();
  const { endpoint, region } = s3.server;
  const server = await ServerProcess.start({
    ...s3.env,
    VC_STORAGE_DRIVER: 's3',
    VC_S3_ENDPOINT: endpoint,
    VC_S3_BUCKET: bucket,
  });
  return { server, bucket, endpoint, region };
}

test('a build is uploaded to the bucket and restored from it, without passing through the gateway', {
  skip: 'skip' in s3 ? s3.skip : false,
}, async () => {
  const { server: gateway, bucket, endpoint, region } = await openGateway();
  await using server = gateway;
  await using first = await TempWorkspace.open(FILES);
  const env = { GATEWAY: server.url, CACHE_TOKEN: TEST_TOKEN };
  const cold = await velocity(['run', 'build'], { cwd: first.root, env });
  assert.match(cold.stderr, /1 task · 1 ran/);

  await using second = await TempWorkspace.open(FILES);
  const restored = await velocity(['run', 'build'], { cwd: second.root, env });
  assert.match(restored.stderr, /1 hit \(1 remote\)/, restored.stderr);
  assert.equal(second.read('dist/random'), first.read('dist/random'));
  assert.deepEqual(
    server.log.filter(({ path }) => typeof path === 'string' && path.includes('blob')),
    [],
  );

  const store = new S3Store({ bucket, region, endpoint, pathStyle: true });
  const keys: string[] = [];
  for await (const { key, sizeBytes } of store.list({ prefix: '' })) {
    keys.push(key);
    assert.ok(sizeBytes > 3_000_000);
    assert.match((await store.head(key))?.digest ?? '', /^[0-9a-f]{64}$/);
  }
  assert.equal(keys.length, 1);
  assert.match(keys[0] ?? '', /^objects\/[0-9a-f]{64}$/);
  await store.close();
});

test('an artifact damaged in the bucket is found by the runner, removed and counted by the gateway, and sent anew (F10)', {
  skip: 'skip' in s3 ? s3.skip : false,
}, async () => {
  const { server: gateway, bucket, endpoint, region } = await openGateway();
  await using server = gateway;
  const env = { GATEWAY: server.url, CACHE_TOKEN: TEST_TOKEN };
  const store = new S3Store({ bucket, region, endpoint, pathStyle: true });
  const listed = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list({ prefix: '' })) keys.push(key);
    return keys;
  };
  const damaged = async (): Promise<string | undefined> =>
    /^vc_storage_damaged_total\{.*reason="digest-mismatch".*\} (\d+)$/m.exec(
      await (await fetch(`${server.url}/metrics`)).text(),
    )?.[1];
  const runIn = async (...args: string[]): Promise<string> => {
    await using workspace = await TempWorkspace.open(FILES);
    const { exitCode, stderr } = await velocity(['run', 'build', ...args], { cwd: workspace.root, env });
    assert.equal(exitCode, 0, stderr);
    return stderr;
  };

  await runIn();
  const [key = ''] = await listed();
  await damage(bucket, key, endpoint, region);

  const noticed = await runIn('--cache=local:rw,remote:r');
  assert.match(
    noticed,
    /warning: the artifact at http:\S+ is not what was announced and was not used: .*SHA-256/,
  );
  assert.match(noticed, /1 task · 1 ran/);
  assert.deepEqual(await listed(), [], 'it was removed');
  assert.equal(await damaged(), '1', 'and counted');

  assert.match(await runIn(), /1 task · 1 ran/);
  assert.deepEqual(await listed(), [key], 'it was sent anew');
  assert.match(await runIn(), /1 hit \(1 remote\)/);

  await damage(bucket, key, endpoint, region);
  assert.match(await runIn(), /1 task · 1 ran/);
  assert.match(await runIn(), /1 hit \(1 remote\)/, 'a run that may write heals what it found');
  assert.equal(await damaged(), '2');
  await store.close();
});

/** Other bytes under the same key, beside the digest of the right ones. */
async function damage(bucket: string, key: string, endpoint: string, region: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const where = { Bucket: bucket, Key: key };
  const { Metadata } = await client.send(new HeadObjectCommand(where));
  const { Body } = await client.send(new GetObjectCommand(where));
  const bytes = await Body?.transformToByteArray();
  assert.ok(bytes && Metadata && Object.values(Metadata).includes(digestOf(bytes)));
  bytes.fill((bytes[1000] ?? 0) ^ 1, 1000, 1001);
  await client.send(new PutObjectCommand({ ...where, Body: bytes, Metadata }));
  client.destroy();
}
