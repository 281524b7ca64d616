/** Azure's own SDK, as lage and backfill use it, with this server in the place of a storage account. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { BlobServiceClient, type BlockBlobClient, type RestError } from '@azure/storage-blob';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const HASH = 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3';
/** What backfill uploads with: blocks of 4 MiB, five at once. */
const [BLOCK_BYTES, AT_ONCE] = [4 * 1024 * 1024, 5];

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

function blob(url: string, name: string, token = TEST_TOKEN): BlockBlobClient {
  const connection = `BlobEndpoint=${url}/azure;SharedAccessSignature=sig=${encodeURIComponent(token)}`;
  const service = BlobServiceClient.fromConnectionString(connection, {
    retryOptions: { maxTries: 2, retryDelayInMs: 1 },
  });
  return service.getContainerClient('cache').getBlockBlobClient(name);
}

function put(client: BlockBlobClient, bytes: Buffer): Promise<unknown> {
  return client.uploadStream(Readable.from([bytes]), BLOCK_BYTES, AT_ONCE);
}

async function get(client: BlockBlobClient, ...range: readonly number[]): Promise<Buffer> {
  const { readableStreamBody } = await client.download(...range);
  assert.ok(readableStreamBody);
  return buffer(readableStreamBody);
}

function fails(work: Promise<unknown>, statusCode: number): Promise<void> {
  return assert.rejects(work, (error: RestError) => error.statusCode === statusCode);
}

for (const [name, skip, storage] of [
  ['local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'local') })],
  ['Ceph radosgw', s3Skip, () => s3GatewayEnv(s3)],
] as const)
  describe(`the SDK with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await ServerProcess.start(await storage());
    });
    after(() => server[Symbol.asyncDispose]());

    for (const [what, prefix, size] of [
      ['in one block', '', 1000],
      ['in several', '', 2 * BLOCK_BYTES + 1234],
      ['below its tenant', '/t/default', 1000],
    ] as const)
      test(`a blob is missed, stored and read, whole and in part: ${what}`, async () => {
        const client = blob(server.url + prefix, `${HASH}-${what.replaceAll(' ', '-')}`);
        const bytes = randomBytes(size);
        await fails(client.download(0), 404);
        assert.equal(await client.exists(), false);
        await put(client, bytes);
        assert.deepEqual(await get(client, 0), bytes);
        assert.deepEqual(await get(client, 10, 20), bytes.subarray(10, 30));
        assert.equal((await client.getProperties()).contentLength, size);
      });

    test('the first write wins, and who comes second is told that all is well', async () => {
      const client = blob(server.url, 'second');
      for (const text of ['first', 'second']) await put(client, Buffer.from(text));
      await client.upload('third', 5);
      assert.equal((await get(client, 0)).toString(), 'first');
      await fails(client.upload('fourth', 6, { conditions: { ifNoneMatch: '*' } }), 409);
    });
  });

test('what is no block blob, or is called by what no build cache calls one, is refused', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'odd') });
  const at = `${server.url}/azure`;
  const send = async (path: string, headers = {}): Promise<number> =>
    (await fetch(`${at}${path}`, { method: 'PUT', body: 'x', headers })).status;
  const sig = `sig=${TEST_TOKEN}`;
  for (const path of [
    '/cache/..%2fx',
    '/cache/%2e%2e',
    '/cache/a%00',
    '/Cache/a',
    '/c/a',
    `/cache/${'a'.repeat(201)}`,
  ])
    assert.ok([400, 404].includes(await send(`${path}?${sig}`)), path);
  assert.equal(await send(`/cache/a?${sig}`, { 'x-ms-blob-type': 'PageBlob' }), 400);
  assert.equal(await send(`/cache/a?${sig}&comp=lease`), 400);
  assert.equal(await send(`/cache/a?${sig}&comp=block&blockid=..%2F`), 400);
  assert.equal(await send('/cache/a'), 401);
  assert.deepEqual(globSync('store-v1/**/*.blob', { cwd: join(folder.path, 'odd') }), []);
  assert.equal(JSON.stringify(server.log).includes(TEST_TOKEN), false);
});

test('a token that only reads, an unknown one, another tenant’s address: refused at once, as Azure refuses', async () => {
  const file = join(folder.path, 'tokens.yml');
  const reader = await newToken(file, 'developer');
  const pullRequest = await newToken(file, 'pull-request');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'tokens'),
    VC_AUTH_TOKENS_FILE: file,
  });
  const bytes = Buffer.from('x');
  await fails(put(blob(server.url, HASH, reader), bytes), 403);
  await fails(put(blob(server.url, HASH, 'unknown'), bytes), 401);
  await fails(put(blob(`${server.url}/t/other`, HASH), bytes), 401);
  // What a pull request stores main does not see (A1), and what main stores it reads.
  await put(blob(server.url, HASH, pullRequest), Buffer.from('POISON'));
  await fails(blob(server.url, HASH).download(0), 404);
  await fails(blob(server.url, HASH, reader).download(0), 404);
  await put(blob(server.url, HASH), Buffer.from('good'));
  for (const token of [TEST_TOKEN, reader, pullRequest])
    assert.equal((await get(blob(server.url, HASH, token), 0)).toString(), 'good');
});

test('a damaged blob is a miss, and is stored anew (F10)', async () => {
  const root = join(folder.path, 'damaged');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  const client = blob(server.url, HASH);
  await put(client, Buffer.alloc(1000, 'x'));
  const [entry = ''] = globSync('store-v1/azure-blobs/**/*.blob', { cwd: root });
  const bytes = readFileSync(join(root, entry));
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  writeFileSync(join(root, entry), bytes);
  await fails(client.download(0), 404);
  await put(client, Buffer.from('healed'));
  assert.equal((await get(client, 0)).toString(), 'healed');
});
