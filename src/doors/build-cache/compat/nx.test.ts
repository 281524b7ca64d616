/** What Nx is told, over a real listener; the real Nx is in test/e2e/clients/nx.test.ts. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { velocity } from '../../../../test/rig/cli.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ServerProcess, TEST_TOKEN } from '../../../../test/rig/server-process.ts';
import { packWithSystemTar } from '../../../../test/rig/system-tar.ts';
import { openTempFolder, type TempFolder } from '../../../../test/rig/temp-folder.ts';
import { TempWorkspace } from '../../../../test/rig/temp-workspace.ts';
import { until } from '../../../../test/rig/until.ts';

const MAX_BYTES = 4 * 1024 * 1024;

let folder: TempFolder;
let server: ServerProcess;
const tokens: Record<'developer' | 'pullRequest' | 'limited', string> = {
  developer: '',
  pullRequest: '',
  limited: '',
};
before(async () => {
  folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const newToken = async (...args: string[]): Promise<string> =>
    (await velocity(['token', 'new', '--file', file, ...args], { cwd: folder.path })).stdout.trim();
  tokens.developer = await newToken('--preset', 'developer');
  tokens.pullRequest = await newToken('--preset', 'pull-request');
  tokens.limited = await newToken('--preset', 'main', '--limit-requests', '1/d');
  server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'store'),
    VC_AUTH_TOKENS_FILE: file,
    VC_ARTIFACT_MAX_SIZE: String(MAX_BYTES),
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

let hashes = 10n ** 19n;
const freshHash = (): string => String(hashes++);

/** As Nx packs outputs; random bytes do not shrink. */
async function archive(sizeBytes = 1000): Promise<Buffer> {
  await using made = await TempWorkspace.open({ 'dist/a': randomBytes(sizeBytes) }, { git: false });
  return gzipSync(packWithSystemTar(made.root, 'gnu'));
}

interface Ask {
  readonly url?: string;
  readonly token?: string;
  readonly body?: Uint8Array;
}

/** Status, error header and body of the answer to a GET, or with a body to a PUT. */
async function ask(hash: string, { url = server.url, token = TEST_TOKEN, body }: Ask = {}) {
  const answer = await fetch(`${url}/v1/cache/${hash}`, {
    method: body ? 'PUT' : 'GET',
    headers: { authorization: `Bearer ${token}` },
    body: body ?? null,
  });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    error: answer.headers.get('x-velocity-error'),
    bytes: Buffer.from(await answer.arrayBuffer()),
  };
}

const put = async (hash: string, body: Uint8Array, more: Ask = {}) =>
  (await ask(hash, { ...more, body })).status;

const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();

test('a hash is a miss, is stored once, and comes back as it was sent; below its tenant too', async () => {
  for (const prefix of ['', '/t/default']) {
    const [hash, url, body] = [freshHash(), server.url + prefix, await archive()];
    assert.equal((await ask(hash, { url })).status, 404);
    assert.equal((await ask(hash, { url })).error, null);
    assert.equal(await put(hash, body, { url }), 200);
    assert.equal(await put(hash, await archive(), { url }), 409);
    const { status, bytes } = await ask(hash, { url });
    assert.equal(status, 200);
    assert.deepEqual(bytes, body);
  }
});

test('a hash that could be bent into another name is nobody’s', async () => {
  for (const hash of ['1%2f2', '..%2fx', 'a.b', '1'.repeat(129), '%00', 'ü']) {
    assert.equal((await ask(hash)).status, 404, hash);
    assert.equal(await put(hash, await archive()), 403, hash);
  }
});

describe('tokens', () => {
  test('one that is unknown, or of another tenant, is 401 with text/plain and nothing else', async () => {
    for (const ofAsk of [{ token: 'unknown' }, { url: `${server.url}/t/other` }]) {
      const { status, type } = await ask(freshHash(), ofAsk);
      assert.deepEqual([status, type], [401, 'text/plain']);
      assert.equal(await put(freshHash(), await archive(), ofAsk), 401);
    }
  });

  test('one that only reads uploads nothing, and that is 403', async () => {
    const token = tokens.developer;
    const [hash, body] = [freshHash(), await archive()];
    assert.equal(await put(hash, body, { token }), 403);
    assert.equal((await ask(hash)).status, 404);
    await put(hash, body);
    assert.equal((await ask(hash, { token })).status, 200);
  });

  test('a pull request’s reads main’s entries and hides none of them', async () => {
    const token = tokens.pullRequest;
    const [hash, other, body] = [freshHash(), freshHash(), await archive()];
    await put(hash, body);
    assert.equal(await put(hash, await archive(), { token }), 409);
    assert.equal(await put(other, body, { token }), 200);
    assert.equal((await ask(other, { token })).status, 200);
    assert.equal((await ask(other)).status, 404);
    assert.equal(await put(other, await archive()), 200);
  });

  test('one that is over its limit misses and uploads nothing, and is never told 429', async () => {
    const token = tokens.limited;
    await ask(freshHash(), { token });
    const { status, error } = await ask(freshHash(), { token });
    assert.deepEqual([status, error], [404, 'RATE_LIMITED']);
    assert.equal(await put(freshHash(), await archive(), { token }), 403);
  });
});

describe('a body that must not be stored is 403, in the log, and leaves its hash free', () => {
  const cases: readonly (readonly [string, (whole: Buffer) => Buffer, string])[] = [
    ['garbage', () => randomBytes(10_000), 'BODY_DAMAGED'],
    ['one cut short', (whole) => whole.subarray(0, -5), 'BODY_DAMAGED'],
    ['nothing', () => Buffer.alloc(0), 'BODY_DAMAGED'],
    ['one larger than is taken', () => randomBytes(MAX_BYTES + 1), 'BODY_TOO_LARGE'],
  ];
  for (const [what, spoil, code] of cases)
    test(what, async () => {
      const [hash, whole] = [freshHash(), await archive(100_000)];
      const refused = await ask(hash, { body: spoil(whole) });
      assert.deepEqual([refused.status, refused.error], [403, code]);
      await until(async () => server.log.some((line) => line['code'] === code && line['told'] === 403));
      assert.match(
        await metrics(),
        new RegExp(`vc_cache_failures_total\\{protocol="nx",code="${code}"\\} [1-9]`),
      );
      assert.equal((await ask(hash)).status, 404);
      assert.equal(await put(hash, whole), 200);
    });

  test('one that breaks off before its announced length', async () => {
    const [hash, whole] = [freshHash(), await archive(100_000)];
    const sending = request(`${server.url}/v1/cache/${hash}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TEST_TOKEN}`, 'content-length': String(whole.length) },
    });
    const closed = new Promise((resolve) => sending.once('close', resolve));
    sending.on('error', () => {});
    await new Promise((written) => sending.write(whole.subarray(0, -1), written));
    sending.destroy();
    await closed;
    assert.equal(await put(hash, whole), 200);
  });
});

test('an entry that is damaged on disk, however large, is a miss before its first byte and may be stored anew', async () => {
  for (const sizeBytes of [1000, 3_000_000]) {
    const [hash, body] = [freshHash(), await archive(sizeBytes)];
    await put(hash, body);
    const file = join(folder.path, 'store/store-v1/nx', `${hash}.blob`);
    const bytes = readFileSync(file);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    assert.equal((await ask(hash)).status, 404);
    assert.equal(await put(hash, body), 200);
    assert.deepEqual((await ask(hash)).bytes, body);
  }
});

test('a storage that is gone is a miss and an upload that is not allowed; log, metrics and a header say why', async () => {
  let isGone = false;
  await using bucket = await HttpServer.start((request, response) =>
    isGone ? request.destroy() : response.end(),
  );
  await using broken = await ServerProcess.start({
    VC_STORAGE_DRIVER: 's3',
    VC_S3_BUCKET: 'bucket',
    VC_ALLOW_OVERWRITE_RACE: 'true',
    VC_S3_ENDPOINT: bucket.url,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  });
  isGone = true;
  const { url } = broken;
  const { status, error, type } = await ask(freshHash(), { url });
  assert.deepEqual([status, error, type], [404, 'STORAGE_UNAVAILABLE', 'text/plain']);
  const refused = await ask(freshHash(), { url, body: await archive() });
  assert.deepEqual([refused.status, refused.error], [403, 'STORAGE_UNAVAILABLE']);
  await until(async () => broken.log.filter(({ message }) => message === 'a request failed').length === 2);
  assert.match(
    await (await fetch(`${url}/metrics`)).text(),
    /vc_cache_failures_total\{protocol="nx",code="STORAGE_UNAVAILABLE"\} 2/,
  );
});
