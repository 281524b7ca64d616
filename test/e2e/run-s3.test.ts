/** The runner, the gateway and a real S3 server: the bytes go straight to the bucket. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
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

test('a build is uploaded to the bucket and restored from it, without passing through the gateway', {
  skip: 'skip' in s3 ? s3.skip : false,
}, async () => {
  assert.ok(!('skip' in s3));
  Object.assign(process.env, s3.env);
  const bucket = await s3.makeBucket();
  const { endpoint, region } = s3.server;
  await using server = await ServerProcess.start({
    ...s3.env,
    VC_STORAGE_DRIVER: 's3',
    VC_S3_ENDPOINT: endpoint,
    VC_S3_BUCKET: bucket,
  });
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
