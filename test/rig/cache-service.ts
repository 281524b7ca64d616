/** Calls of GitHub's cache service by hand, as other clients than GitHub's library make them. */
import assert from 'node:assert/strict';
import { TEST_TOKEN } from './server-process.ts';

/** One call of the service as wireit makes it: fields spelled so, and numbers as numbers. */
export async function call(
  url: string,
  method: string,
  message: Readonly<Record<string, unknown>>,
  token = TEST_TOKEN,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await fetch(`${url}/twirp/github.actions.results.api.v1.CacheService/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

export async function create(url: string, key: string, token = TEST_TOKEN): Promise<string> {
  const { body } = await call(url, 'CreateCacheEntry', { key, version: 'v' }, token);
  assert.equal(body['ok'], true, JSON.stringify(body));
  return String(body['signed_upload_url']);
}

export function sendWhole(url: string, bytes: string): Promise<Response> {
  return fetch(url, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: bytes });
}

export async function download(url: string, key: string, token = TEST_TOKEN): Promise<string | undefined> {
  const { body } = await call(url, 'GetCacheEntryDownloadURL', { key, version: 'v' }, token);
  return body['ok'] ? (await fetch(String(body['signed_download_url']))).text() : undefined;
}

export function finalize(url: string, key: string, sizeBytes: number | string, token = TEST_TOKEN) {
  return call(url, 'FinalizeCacheEntryUpload', { key, version: 'v', sizeBytes }, token);
}

/** A whole upload, finalized. */
export async function save(url: string, key: string, text: string, token = TEST_TOKEN): Promise<void> {
  await sendWhole(await create(url, key, token), text);
  const { body } = await finalize(url, key, text.length, token);
  assert.equal(body['ok'], true, JSON.stringify(body));
}
