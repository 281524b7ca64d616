/** Entries that are asked for again and again: answered from memory, and never otherwise than from the storage. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { velocity } from '../rig/cli.ts';
import { newToken } from '../rig/new-token.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

let folder: TempFolder;
let root: string;
let tokensFile: string;
let tokens: Readonly<Record<'admin' | 'main' | 'pullRequest' | 'developer' | 'limited' | 'stranger', string>>;
let server: ServerProcess;
before(async () => {
  folder = await openTempFolder();
  root = join(folder.path, 'store');
  tokensFile = join(folder.path, 'tokens.yml');
  tokens = {
    admin: await newToken(tokensFile, 'admin'),
    main: await newToken(tokensFile, 'main'),
    pullRequest: await newToken(tokensFile, 'pull-request'),
    developer: await newToken(tokensFile, 'developer'),
    limited: await newToken(tokensFile, 'developer', '--limit-requests', '3/h'),
    stranger: await newToken(tokensFile, 'main', '--tenant', 'other'),
  };
  server = await start({ VC_MEMORY_TTL: '1h' });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function start(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return ServerProcess.start({
    VC_LOCAL_ROOT: root,
    VC_AUTH_TOKEN: '',
    VC_AUTH_TOKENS_FILE: tokensFile,
    ...env,
  });
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly at?: ServerProcess;
}

/** On a connection of its own: one that has carried anything else is not answered from memory. */
async function ask(
  path: string,
  { method = 'GET', token = tokens.main, body, headers, at = server }: Asked = {},
): Promise<Reply> {
  const agent = new Agent({ keepAlive: true });
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const sent = request(at.url + path, {
    agent,
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  sent.on('error', reject).on('response', (reply) => {
    let text = '';
    reply.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    reply
      .on('error', reject)
      .on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
  });
  sent.end(body);
  return promise.finally(() => agent.destroy());
}

async function textOf(path: string, asked?: Asked): Promise<string | number> {
  const { status, text } = await ask(path, asked);
  return status === 200 ? text : status;
}

const freshPath = (): string => `/v8/artifacts/${randomBytes(8).toString('hex')}`;

/** A path that is answered from memory from now on. */
async function warm(body = 'built', at = server): Promise<string> {
  const path = freshPath();
  assert.equal(
    (await ask(path, { method: 'PUT', body, headers: { 'x-artifact-duration': '7' }, at })).status,
    202,
  );
  for (let i = 0; i < 2; i++) assert.equal(await textOf(path, { at }), body);
  return path;
}

/** What is answered well while the storage's folder is away comes from memory. */
async function withoutStorage(work: () => Promise<void>): Promise<void> {
  const [here, away] = [join(root, 'store-v1'), join(root, 'away')];
  renameSync(here, away);
  try {
    await work();
  } finally {
    renameSync(away, here);
  }
}

test('what was asked for twice is answered without the storage, to the letter as with it', async () => {
  const path = await warm();
  const without = (reply: Reply): Reply => ({
    ...reply,
    headers: { ...reply.headers, 'x-request-id': '', date: '' },
  });
  const odd = { headers: { 'x-odd': '1' } };
  for (const method of ['GET', 'HEAD']) {
    const expected = without(await ask(path, { method, ...odd }));
    assert.equal(expected.headers['x-artifact-duration'], '7');
    await withoutStorage(async () => {
      assert.deepEqual(without(await ask(path, { method })), expected);
      assert.notEqual((await ask(path, { method, ...odd })).status, 200);
    });
  }
});

test('what was asked for once, or was a miss, is looked up again', async () => {
  const [once, missed] = [freshPath(), freshPath()];
  await ask(once, { method: 'PUT', body: 'built' });
  await ask(once);
  for (let i = 0; i < 3; i++) assert.equal(await textOf(missed), 404);
  await withoutStorage(async () => assert.equal(await textOf(once), 404));
  await ask(missed, { method: 'PUT', body: 'built' });
  assert.equal(await textOf(missed), 'built');
});

test('every token is looked at: an unknown one, of another tenant, revoked, over its limit', async () => {
  const path = await warm();
  assert.equal(await textOf(path, { token: 'unknown' }), 401);
  assert.equal(await textOf(path, { token: tokens.stranger }), 404);
  assert.equal(await textOf(`/t/default${path}`, { token: tokens.stranger }), 401);
  for (let i = 0; i < 3; i++) assert.equal(await textOf(path, { token: tokens.limited }), 'built');
  assert.equal(await textOf(path, { token: tokens.limited }), 429);

  const passing = await newToken(tokensFile, 'developer');
  await until(async () => (await textOf(path, { token: passing })) === 'built');
  const id = passing.split('_')[1] ?? '';
  await velocity(['token', 'revoke', id, '--file', tokensFile], { cwd: folder.path });
  await until(async () => (await textOf(path, { token: passing })) === 401);
});

test('whoever reads main is told of what is hot there; what a pull request wrote is never told to others', async () => {
  const path = await warm('of main');
  await withoutStorage(async () => {
    for (const token of [tokens.developer, tokens.pullRequest])
      assert.equal(await textOf(path, { token }), 'of main');
  });

  const poisoned = freshPath();
  await ask(poisoned, { method: 'PUT', token: tokens.pullRequest, body: 'poison' });
  for (let i = 0; i < 4; i++) assert.equal(await textOf(poisoned, { token: tokens.pullRequest }), 'poison');
  for (const token of [tokens.main, tokens.developer]) assert.equal(await textOf(poisoned, { token }), 404);
  await ask(poisoned, { method: 'PUT', body: 'of main' });
  for (const token of [tokens.main, tokens.developer, tokens.pullRequest])
    assert.equal(await textOf(poisoned, { token }), 'of main');
});

test('what an admin takes away or replaces is forgotten at once', async () => {
  const removed = `/kv/${randomBytes(8).toString('hex')}`;
  await ask(removed, { method: 'PUT', body: 'old' });
  for (let i = 0; i < 3; i++) assert.equal(await textOf(removed), 'old');
  assert.equal((await ask(removed, { method: 'DELETE', token: tokens.admin })).status, 204);
  assert.equal(await textOf(removed), 404);

  const replaced = `/maven/v1/g/a/c/${randomBytes(8).toString('hex')}`;
  for (const body of ['old', 'new']) {
    await ask(replaced, { method: 'PUT', body });
    for (let i = 0; i < 3; i++) assert.equal(await textOf(replaced), body);
  }
});

test('what is removed behind the server’s back is served until the time is over and no longer', async () => {
  await using brief = await start({ VC_MEMORY_TTL: '200ms' });
  const path = await warm('built', brief);
  await withoutStorage(() => until(async () => (await textOf(path, { at: brief })) === 404));
});

test('with no memory for it every request is looked up', async () => {
  await using plain = await start({ VC_MEMORY_MAX_SIZE: '0B' });
  const path = await warm('built', plain);
  await withoutStorage(async () => assert.equal(await textOf(path, { at: plain }), 404));
});

test('hits from memory are counted and written down as others are', async () => {
  await using counted = await start({});
  const path = await warm('built', counted);
  await withoutStorage(async () => assert.equal(await textOf(path, { at: counted }), 'built'));
  const metrics = await (await fetch(`${counted.url}/metrics`)).text();
  assert.match(metrics, /vc_cache_hits_total\{protocol="turborepo"\} 3/);
  assert.match(metrics, /vc_cache_bytes_total\{protocol="turborepo",direction="read",route="proxied"\} 15/);
  assert.match(metrics, /vc_http_requests_total\{route="\/v8\/artifacts\/:hash",method="GET",code="200"\} 3/);
  const lines = () =>
    counted.log.filter(
      ({ message, method, path: at }) => message === 'request' && method === 'GET' && at === path,
    );
  await until(async () => lines().length === 3);
  const id = tokens.main.split('_')[1];
  for (const line of lines()) assert.deepEqual([line['status'], line['tokenId']], [200, id]);
});
