/** What the protocols of other build tools cost a token that has limits, and what is believed of what clients count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { CompatServer } from '../../../../test/rig/compat-server.ts';
import { digestOf } from '../../../base/digest.ts';

const HOUR = 3600_000;

const bytes = (amount: number) => ({ limits: { limitBytes: { amount, periodMs: HOUR } } });

/** Whether the token may go on. */
async function goesOn(server: CompatServer): Promise<boolean> {
  const { status } = await server.fetch('/v8/artifacts/status');
  assert.ok(status === 200 || status === 429, String(status));
  return status === 200;
}

test('turbo’s question for many hashes counts as one request for every hundred', async () => {
  await using server = await CompatServer.start({
    limits: { limitRequests: { amount: 10, periodMs: HOUR } },
  });
  const ask = async (count: number): Promise<number> => {
    const hashes = Array.from({ length: count }, (_, index) => `a${index}`);
    return (await server.fetch('/v8/artifacts', { method: 'POST', body: JSON.stringify({ hashes }) })).status;
  };
  assert.equal(await ask(0), 200);
  assert.equal(await ask(800), 200);
  assert.equal(await goesOn(server), true);
  assert.equal(await goesOn(server), false);
});

test('a blob that was sent in zstd counts as what comes out of it', async () => {
  await using server = await CompatServer.start(bytes(10_000));
  const blob = Buffer.alloc(100_000);
  const sent = zstdCompressSync(blob);
  assert.ok(sent.length < 1000);
  const reply = await server.put(`/cas/${digestOf(blob)}`, sent, 'main', { 'content-encoding': 'zstd' });
  assert.equal(reply.status, 200);
  assert.equal(await goesOn(server), false);
});

test('blocks count when they come, whether or not a blob is made of them, and are not counted again', async () => {
  await using server = await CompatServer.start(bytes(10_000));
  const put = async (query: string, body: string): Promise<number> =>
    (await fetch(`${server.url}/azure/cache/blob?sig=main${query}`, { method: 'PUT', body })).status;
  assert.equal(await put('&comp=block&blockid=YQ==', 'x'.repeat(6_000)), 201);
  const list = '<BlockList><Latest>YQ==</Latest></BlockList>';
  assert.equal(await put('&comp=blocklist', list), 201);
  assert.equal(await goesOn(server), true);
  assert.equal(await put('&comp=block&blockid=Yg==', 'x'.repeat(6_000)), 201);
  assert.equal(await goesOn(server), false);
});

test('what comes under an upload’s URL counts as it comes, and not again when an entry is made of it', async () => {
  await using server = await CompatServer.start(bytes(10_000));
  const call = async (method: string, message: object) => {
    const path = `/twirp/github.actions.results.api.v1.CacheService/${method}`;
    const reply = await server.fetch(path, { method: 'POST', body: JSON.stringify(message) });
    return (await reply.json()) as { ok?: boolean; signed_upload_url?: string };
  };
  const entry = { key: 'key', version: 'v' };
  const { signed_upload_url: url = '' } = await call('CreateCacheEntry', entry);
  const put = async (query: string, body: string): Promise<number> =>
    (await fetch(url + query, { method: 'PUT', body })).status;
  assert.equal(await put('&comp=block&blockid=YQ==', 'x'.repeat(6_000)), 201);
  assert.equal(await put('&comp=blocklist', '<BlockList><Latest>YQ==</Latest></BlockList>'), 201);
  assert.deepEqual(
    await call('FinalizeCacheEntryUpload', { ...entry, size_bytes: 6_000 }).then(({ ok }) => ok),
    true,
  );
  assert.equal(await goesOn(server), true);
  assert.equal(await put('&comp=block&blockid=Yg==', 'x'.repeat(6_000)), 201);
  assert.equal(await goesOn(server), false);
});

test('one URL of an upload does not open for any number of blocks', async () => {
  await using server = await CompatServer.start({ maxArtifactBytes: 100_000 });
  const path = '/twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry';
  const body = JSON.stringify({ key: 'key', version: 'v' });
  const reply = await server.fetch(path, { method: 'POST', body }, 'pull-request');
  const { signed_upload_url: url } = (await reply.json()) as { signed_upload_url: string };
  const statuses: number[] = [];
  for (let block = 0; block < 5; block++) {
    const id = Buffer.from(String(block)).toString('base64url');
    const sent = await fetch(`${url}&comp=block&blockid=${id}`, { method: 'PUT', body: 'x'.repeat(100_000) });
    statuses.push(sent.status);
  }
  assert.deepEqual(statuses, [201, 201, 201, 413, 413]);
});

for (const method of ['PROPFIND', 'MKCOL'])
  test(`the body of a ${method} counts, though nobody reads it`, async () => {
    await using server = await CompatServer.start(bytes(10_000));
    await (await server.fetch('/webdav/folder/', { method, body: 'x'.repeat(100_000) })).text();
    assert.equal(await goesOn(server), false);
  });

test('no client can make what is counted of saved time more than a number', async () => {
  await using server = await CompatServer.start();
  const event = { source: 'REMOTE', event: 'HIT', hash: 'a', duration: Number.MAX_VALUE };
  const body = JSON.stringify([{ ...event, duration: 3000 }, event, event]);
  assert.equal((await server.fetch('/v8/artifacts/events', { method: 'POST', body })).status, 200);
  const text = await server.registry.metrics();
  assert.match(text, /vc_client_saved_seconds_total\{protocol="turborepo",source="remote"\} 3\n/);
});
