/** Limits of requests and bytes, as a running server keeps them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { velocity } from '../rig/cli.ts';
import { negotiate, postNegotiate, slowUpload } from '../rig/negotiate.ts';
import { newToken } from '../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const MIB = 2 ** 20;

interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: unknown;
}

async function openServer(env: Readonly<Record<string, string>>) {
  const folder = await openTempFolder();
  const server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'store'), ...env });
  const answered = async (reply: Response): Promise<Answered> => {
    const { code } = JSON.parse((await reply.text()) || '{}') as { code?: unknown };
    return { status: reply.status, retryAfter: reply.headers.get('retry-after'), code };
  };
  return {
    server,
    /** Asks for a key that nobody has. */
    async ask(token = TEST_TOKEN, headers: Record<string, string> = {}): Promise<Answered> {
      const reply = await fetch(`${server.url}/v1/negotiate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ hash: freshHash(), action: 'download' }),
      });
      return answered(reply);
    },
    async put({ url, headers }: { url: string; headers: Record<string, string> }, body: Buffer) {
      return answered(await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) }));
    },
    async metric(labels: string): Promise<string | undefined> {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return text.split('\n').find((line) => line.startsWith(`vc_rate_limited_total{${labels}}`));
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function freshHash(): string {
  return digestOf(randomBytes(16));
}

test('beyond its requests a token is told 429 and when to come back; probes and metrics go on', async () => {
  await using opened = await openServer({ VC_LIMIT_REQUESTS: '3/h' });
  for (let request = 0; request < 3; request++) assert.equal((await opened.ask()).status, 200);
  const { status, retryAfter, code } = await opened.ask();
  assert.deepEqual([status, code], [429, 'RATE_LIMITED']);
  assert.ok(Number(retryAfter) > 1180 && Number(retryAfter) <= 1200, String(retryAfter));
  for (const path of ['/health', '/ready', '/metrics'])
    for (let request = 0; request < 10; request++)
      assert.equal((await fetch(opened.server.url + path)).status, 200);
  assert.equal(
    await opened.metric('by="token",what="requests"'),
    'vc_rate_limited_total{by="token",what="requests"} 1',
  );
});

test('who was refused is let in again in time', async () => {
  await using opened = await openServer({ VC_LIMIT_REQUESTS: '1/s' });
  let refused = await opened.ask();
  while (refused.status === 200) refused = await opened.ask();
  assert.equal(refused.retryAfter, '1');
  await until(async () => (await opened.ask()).status === 200); // asking meanwhile makes the wait no longer
});

test('wrong tokens are limited by their address, before they are looked at', async () => {
  await using opened = await openServer({ VC_LIMIT_ADDRESS_REQUESTS: '3/h' });
  const statuses: number[] = [];
  for (let guess = 0; guess < 5; guess++) statuses.push((await opened.ask(`guess-${guess}`)).status);
  assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
});

test('a batch counts as one request for every hundred items', async () => {
  await using opened = await openServer({ VC_LIMIT_REQUESTS: '10/h' });
  const items = Array.from({ length: 1000 }, () => ({ hash: freshHash(), action: 'download' }));
  assert.equal((await postNegotiate(opened.server.url, { items })).status, 200);
  assert.equal((await opened.ask()).status, 429);
});

test('what a token is refused for want of a right counts too, and fills no audit log beyond its limit', async () => {
  await using folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const authorization = `Bearer ${await newToken(file, 'main')}`;
  const audit = join(folder.path, 'audit.jsonl');
  await using opened = await openServer({
    VC_AUTH_TOKENS_FILE: file,
    VC_AUDIT_FILE: audit,
    VC_LIMIT_REQUESTS: '3/h',
  });
  const statuses: number[] = [];
  for (let request = 0; request < 5; request++) {
    const url = `${opened.server.url}/v1/entries/${freshHash()}`;
    statuses.push((await fetch(url, { method: 'DELETE', headers: { authorization } })).status);
  }
  assert.deepEqual(statuses, [403, 403, 403, 429, 429]);
  assert.equal(readFileSync(audit, 'utf8').split('\n').length - 1, 3);
});

test('beyond its bytes a token gets no more URLs, each as its file says', async () => {
  await using folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const [usual, large, free] = [
    await newToken(file, 'main'),
    await newToken(file, 'main', '--limit-bytes', '1GiB/h'),
    await newToken(file, 'main', '--limit-bytes', 'none'),
  ];
  await using opened = await openServer({
    VC_AUTH_TOKEN: '',
    VC_AUTH_TOKENS_FILE: file,
    VC_LIMIT_BYTES: '1MiB/h',
  });
  for (const [token, next] of [
    [usual, 429],
    [large, 200],
    [free, 200],
  ] as const) {
    const upload = { hash: freshHash(), action: 'upload', size: 2 * MIB };
    assert.equal(
      (await postNegotiate(opened.server.url, upload, token)).status,
      200,
      'one passes, though it is larger',
    );
    assert.equal((await opened.ask(token)).status, next);
  }
  const { retryAfter } = await opened.ask(usual);
  assert.ok(Number(retryAfter) > 3590 && Number(retryAfter) <= 3600, String(retryAfter));
});

test('beyond its bytes an address moves no more, and an upload that is refused gets to see why', async () => {
  await using opened = await openServer({ VC_LIMIT_ADDRESS_BYTES: '2MiB/h' });
  const { url } = opened.server;
  const body = randomBytes(MIB);
  const [first, second, third] = [
    await negotiate(url, { hash: freshHash(), action: 'upload' }, 'upload_needed'),
    await negotiate(url, { hash: freshHash(), action: 'upload' }, 'upload_needed'),
    await negotiate(url, { hash: freshHash(), action: 'upload' }, 'upload_needed'),
  ];
  assert.equal((await opened.put(first, body)).status, 201);
  assert.equal((await opened.put(second, Buffer.concat([body, body]))).status, 201);
  const refused = await opened.put(third, randomBytes(20 * MIB));
  assert.deepEqual([refused.status, refused.code], [429, 'RATE_LIMITED']);
  assert.ok(Number(refused.retryAfter) > 1000);
  assert.equal((await opened.ask()).status, 429);
  assert.ok((await opened.metric('by="address",what="bytes"'))?.endsWith(' 2'));
});

test('downloads count too, and what moved of a transfer that broke off', async () => {
  await using opened = await openServer({ VC_LIMIT_ADDRESS_BYTES: '3MiB/h' });
  const { url } = opened.server;
  const hash = freshHash();
  const upload = await negotiate(url, { hash, action: 'upload' }, 'upload_needed');
  assert.equal((await opened.put(upload, randomBytes(MIB))).status, 201);
  const found = await negotiate(url, { hash, action: 'download' }, 'found');
  assert.equal((await (await fetch(found.url)).arrayBuffer()).byteLength, MIB);
  assert.equal((await opened.ask()).status, 200, 'two of three are used');

  const cut = await negotiate(url, { hash: freshHash(), action: 'upload' }, 'upload_needed');
  const sending = slowUpload(cut.url, { ...cut.headers, 'content-length': String(10 * MIB) });
  await sending.write(randomBytes(2 * MIB));
  await until(async () => (await opened.ask()).status === 429);
  sending.cut();
  assert.equal((await opened.ask()).status, 429);
});

test('X-Forwarded-For is believed of trusted proxies alone', async () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  await using open = await openServer({ VC_LIMIT_ADDRESS_REQUESTS: '1/h' });
  assert.equal((await open.ask(TEST_TOKEN, from('198.51.100.1'))).status, 200);
  assert.equal((await open.ask(TEST_TOKEN, from('198.51.100.2'))).status, 429);

  await using behind = await openServer({
    VC_LIMIT_ADDRESS_REQUESTS: '1/h',
    VC_TRUSTED_PROXIES: '127.0.0.0/8, ::1',
  });
  assert.equal((await behind.ask(TEST_TOKEN, from('198.51.100.1'))).status, 200);
  assert.equal((await behind.ask(TEST_TOKEN, from('198.51.100.2'))).status, 200);
  assert.equal((await behind.ask(TEST_TOKEN, from('198.51.100.1'))).status, 429);
});

test('a limit or a range that cannot be is told at the start, with what was expected', async () => {
  await using folder = await openTempFolder();
  const { exitCode, stderr } = await velocity(['serve'], {
    cwd: folder.path,
    env: {
      VC_AUTH_TOKEN: TEST_TOKEN,
      VC_LIMIT_REQUESTS: '600',
      VC_LIMIT_BYTES: '100/s',
      VC_TRUSTED_PROXIES: '10.0.0.0/33',
    },
  });
  assert.equal(exitCode, 2);
  assert.match(stderr, /VC_LIMIT_REQUESTS: limit\.requests: expected a number of requests .*found "600"/);
  assert.match(stderr, /VC_LIMIT_BYTES: limit\.bytes: expected a size .*found "100\/s"/);
  assert.match(
    stderr,
    /VC_TRUSTED_PROXIES: trusted\.proxies: expected addresses or ranges .*found "10\.0\.0\.0\/33"/,
  );
});
