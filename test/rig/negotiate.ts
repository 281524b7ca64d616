import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { TEST_TOKEN } from './server-process.ts';

export async function postNegotiate(url: string, body: unknown, token = TEST_TOKEN): Promise<Response> {
  return fetch(`${url}/v1/negotiate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export async function negotiate<S extends NegotiateReply['status']>(
  url: string,
  item: Record<string, unknown>,
  status: S,
): Promise<NegotiateReply & { status: S }> {
  const reply = await postNegotiate(url, item);
  assert.equal(reply.status, 200);
  const answer = (await reply.json()) as NegotiateReply;
  assert.equal(answer.status, status);
  return answer as NegotiateReply & { status: S };
}

/** Negotiates and uploads; the status of the upload, or `skipped`. */
export async function upload(
  url: string,
  hash: string,
  body: Uint8Array,
  extra = {},
): Promise<number | 'skipped'> {
  const reply = await postNegotiate(url, { hash, action: 'upload', ...extra });
  const answer = (await reply.json()) as NegotiateReply;
  if (answer.status === 'skipped') return 'skipped';
  assert.equal(answer.status, 'upload_needed');
  const sent = await fetch(answer.url, { method: 'PUT', headers: answer.headers, body });
  await sent.arrayBuffer();
  return sent.status;
}

/** Negotiates and downloads; `undefined` for a miss. */
export async function download(url: string, hash: string): Promise<Buffer | undefined> {
  const reply = await postNegotiate(url, { hash, action: 'download' });
  const answer = (await reply.json()) as NegotiateReply;
  if (answer.status === 'missing') return undefined;
  assert.equal(answer.status, 'found');
  const got = await fetch(answer.url);
  if (got.status === 404) return undefined;
  assert.equal(got.status, 200);
  return Buffer.from(await got.arrayBuffer());
}

/** An upload the test feeds by hand: it is under way until `end`. */
export function slowUpload(url: string, headers: Readonly<Record<string, string>>) {
  const sending = request(url, { method: 'PUT', headers });
  const { promise: status, resolve, reject } = Promise.withResolvers<number>();
  sending.on('response', (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  sending.on('error', reject);
  status.catch(() => {});
  return {
    status,
    /** Resolves when the bytes have left this process. */
    write: (chunk: Uint8Array): Promise<void> =>
      new Promise((sent, failed) => sending.write(chunk, (error) => (error ? failed(error) : sent()))),
    end: (): void => void sending.end(),
    cut: (): void => void sending.destroy(),
  };
}
