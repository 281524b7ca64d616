/** The test server must refuse what GCS refuses, or the driver's tests prove nothing. URLs are signed by Google's own SDK. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Storage } from '@google-cloud/storage';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';

const gcs = await GcsServer.start();
after(() => gcs[Symbol.asyncDispose]());
Object.assign(process.env, await gcs.keyEnv());
const bucket = gcs.makeBucket();
const storage = new Storage({ apiEndpoint: gcs.url, useAuthWithCustomEndpoint: true, projectId: 'none' });

/** The SDK signs the host without its port, so it is sent without. */
const HOST = new URL(gcs.url).hostname;
const CONDITION = { 'x-goog-if-generation-match': '0' };

interface Signing {
  readonly headers?: Record<string, string>;
  readonly startMs?: number;
  readonly ttlMs?: number;
}

async function signedUrl(key: string, action: 'read' | 'write', options: Signing = {}): Promise<string> {
  const { headers = {}, startMs = Date.now(), ttlMs = 60_000 } = options;
  const config = { version: 'v4', action, accessibleAt: startMs, expires: startMs + ttlMs } as const;
  const [url] = await storage
    .bucket(bucket)
    .file(key)
    .getSignedUrl({ ...config, extensionHeaders: headers });
  return url;
}

async function send(
  method: string,
  url: string,
  headers: OutgoingHttpHeaders = {},
  body = '',
): Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }> {
  const request = httpRequest(url, { method, headers: { host: HOST, ...headers } });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: await text(response), headers: response.headers };
}

async function bearer(): Promise<OutgoingHttpHeaders> {
  return Object.fromEntries(await storage.authClient.getRequestHeaders(gcs.url));
}

async function assertRefused(
  reply: ReturnType<typeof send>,
  status: number,
  code: string,
  key?: string,
): Promise<void> {
  const { status: answered, text: body } = await reply;
  assert.equal(answered, status, body);
  assert.match(body, new RegExp(`<Code>${code}</Code>`));
  if (key !== undefined) assert.equal(gcs.bucket(bucket).get(key), undefined);
}

test('a request signed by Google’s SDK is let in', async () => {
  const put = await send(
    'PUT',
    await signedUrl('signed/ünï', 'write', { headers: CONDITION }),
    CONDITION,
    'hello',
  );
  assert.equal(put.status, 200, put.text);
  const get = await send('GET', await signedUrl('signed/ünï', 'read'));
  assert.equal(get.text, 'hello');
});

test('an altered signature, key, query, method or host is refused', async () => {
  const url = await signedUrl('altered', 'write', { headers: CONDITION });
  const mismatch = (reply: ReturnType<typeof send>) =>
    assertRefused(reply, 403, 'SignatureDoesNotMatch', 'altered');
  await mismatch(
    send(
      'PUT',
      url.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      CONDITION,
    ),
  );
  await mismatch(send('PUT', url.replace(/X-Goog-Signature=.*/, 'X-Goog-Signature=00'), CONDITION));
  await mismatch(send('PUT', url.replace('/altered', '/other'), CONDITION));
  await mismatch(send('PUT', `${url}&extra=1`, CONDITION));
  await mismatch(send('DELETE', url, CONDITION));
  await mismatch(send('PUT', url, { ...CONDITION, host: 'elsewhere.example' }));
  await mismatch(send('PUT', url.replace('X-Goog-Expires=60', 'X-Goog-Expires=61'), CONDITION));
});

test('a signed header that is changed or left out is refused, and so is an x-goog header beside them', async () => {
  const url = await signedUrl('headers', 'write', { headers: CONDITION });
  await assertRefused(send('PUT', url), 400, 'MalformedSecurityHeader', 'headers');
  const changed = { 'x-goog-if-generation-match': '7' };
  await assertRefused(send('PUT', url, changed), 403, 'SignatureDoesNotMatch', 'headers');
  const more = { ...CONDITION, 'x-goog-meta-sha256': 'x' };
  await assertRefused(send('PUT', url, more), 403, 'MalformedSecurityHeader', 'headers');
});

test('a URL is refused after its time, before it and without it', async () => {
  // Signed now for later, so that the SDK agrees to sign; then held to have been signed long ago.
  const future = await signedUrl('time', 'read', { startMs: Date.now() + 3_600_000 });
  await assertRefused(send('GET', future), 403, 'RequestNotYetValid');
  const expired = await signedUrl('time', 'read', { startMs: Date.now() - 3_600_000, ttlMs: 3_600_500 });
  await assertRefused(
    send('GET', expired.replace(/X-Goog-Expires=\d+/, 'X-Goog-Expires=60')),
    400,
    'ExpiredToken',
  );
  await assertRefused(send('GET', future.replace(/&X-Goog-Expires=\d+/, '')), 400, 'MalformedSecurityHeader');
});

test('a key of another account signs nothing', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const url = await signedUrl('foreign', 'read');
  const forged = sign('sha256', Buffer.from(url), privateKey).toString('hex');
  await assertRefused(
    send('GET', url.replace(/X-Goog-Signature=.*/, `X-Goog-Signature=${forged}`)),
    403,
    'SignatureDoesNotMatch',
  );
  await assertRefused(send('GET', url.replace('builder%40', 'stranger%40')), 403, 'AccessDenied');
});

test('a second write with generation 0 is refused, one with the right generation is not', async () => {
  const url = await signedUrl('twice', 'write', { headers: CONDITION });
  const first = await send('PUT', url, CONDITION, 'first');
  assert.equal(first.status, 200);
  await assertRefused(send('PUT', url, CONDITION, 'second'), 412, 'PreconditionFailed');
  assert.equal(gcs.bucket(bucket).get('twice')?.bytes.toString(), 'first');
  const headers = { 'x-goog-if-generation-match': String(first.headers['x-goog-generation']) };
  const again = await send('PUT', await signedUrl('twice', 'write', { headers }), headers, 'third');
  assert.equal(again.status, 200);
});

test('a body that is cut short is never an object', async () => {
  for (const framing of [{ 'content-length': '1000' }, { 'transfer-encoding': 'chunked' }]) {
    const url = await signedUrl('torn', 'write');
    const request = httpRequest(url, { method: 'PUT', headers: { host: HOST, ...framing } });
    const gone = new Promise((resolve) => request.on('error', () => {}).once('close', resolve));
    const written = Promise.withResolvers<void>();
    request.write('half of it', () => written.resolve());
    await written.promise;
    request.destroy();
    await gone;
    // Another request's turn comes after the server has seen the end of that one.
    await send('GET', await signedUrl('torn', 'read'));
    assert.equal(gcs.bucket(bucket).get('torn'), undefined);
  }
});

test('a body of another length or digest than its headers say is refused', async () => {
  const headers = { 'x-goog-content-length-range': '3,4' };
  const url = await signedUrl('length', 'write', { headers });
  await assertRefused(send('PUT', url, headers, '12'), 400, 'EntityTooSmall', 'length');
  await assertRefused(send('PUT', url, headers, '12345'), 400, 'EntityTooLarge', 'length');
  const md5 = createHash('md5').update('else').digest('base64');
  await assertRefused(
    send('PUT', url, { ...headers, 'content-md5': md5 }, '123'),
    400,
    'BadDigest',
    'length',
  );
  assert.equal((await send('PUT', url, headers, '123')).status, 200);
});

test('without a token, or with one that was not given, nothing is answered', async () => {
  const list = `${gcs.url}/storage/v1/b/${bucket}/o`;
  assert.equal((await send('GET', list)).status, 401);
  assert.equal((await send('GET', list, { authorization: 'Bearer x.y.z' })).status, 401);
  assert.equal((await send('GET', list, await bearer())).status, 200);
  await assertRefused(send('GET', `${gcs.url}/${bucket}/k`), 403, 'AccessDenied');
  const guess = { authorization: 'Bearer ya29.guess' };
  await assertRefused(send('GET', `${gcs.url}/${bucket}/k`, guess), 401, 'AuthenticationRequired');
});

test('an object packed with gzip is unpacked for whoever does not accept it packed', async () => {
  const packed = gzipSync('unpacked');
  const object = { contentType: 'text/plain', cacheControl: undefined, metadata: {} };
  gcs.bucket(bucket).put({ ...object, name: 'packed', bytes: packed, contentEncoding: 'gzip' }, undefined);
  const url = await signedUrl('packed', 'read');
  const plain = await send('GET', url, { range: 'bytes=0-1' });
  assert.deepEqual([plain.status, plain.text], [200, 'unpacked']);
  const raw = await send('HEAD', url, { 'accept-encoding': 'gzip' });
  assert.equal(raw.headers['content-encoding'], 'gzip');
  assert.equal(raw.headers['content-length'], String(packed.length));
});

test('a listing is in byte order and its pages join without gap or double', async () => {
  const other = gcs.makeBucket();
  const names = ['a/1', 'a/2', 'a/B', 'a/\u{ff5e}', 'a/\u{1f680}', 'b'];
  const facts = {
    bytes: Buffer.alloc(1),
    contentType: '',
    contentEncoding: undefined,
    cacheControl: undefined,
  };
  for (const name of names.toReversed()) gcs.bucket(other).put({ ...facts, name, metadata: {} }, undefined);
  const [files] = await storage
    .bucket(other)
    .getFiles({ prefix: 'a/', maxResults: 2, startOffset: 'a/2', autoPaginate: false });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['a/2', 'a/B'],
  );
  const listed: string[] = [];
  for await (const file of storage.bucket(other).getFilesStream({ prefix: 'a/', maxResults: 5 })) {
    listed.push((file as { name: string }).name);
  }
  assert.deepEqual(listed, ['a/1', 'a/2', 'a/B', 'a/\u{ff5e}', 'a/\u{1f680}']);
});
