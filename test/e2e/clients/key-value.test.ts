/** The protocols of no more than GET and PUT, as curl and Maven speak them; and what happens to damaged entries. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));
const ready = await ensureDebian({ programs: ['curl'], packages: ['curl'] });
const noCurl = ready === 'ready' ? false : ready.skip;

let folder: TempFolder;
let server: ServerProcess;
before(async () => {
  folder = await openTempFolder();
  server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'store') });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const BEARER = { authorization: `Bearer ${TEST_TOKEN}` };
const BASIC = { authorization: `Basic ${Buffer.from(`ci:${TEST_TOKEN}`).toString('base64')}` };

async function put(path: string, body: string, headers: Record<string, string> = BEARER): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: 'PUT', headers, body });
}

async function get(path: string): Promise<string | number> {
  const reply = await fetch(`${server.url}${path}`, { headers: BEARER });
  const text = await reply.text();
  return reply.status === 200 ? text : reply.status;
}

describe('curl', { skip: noCurl }, () => {
  const curl = (...args: readonly string[]) => runTool('curl', ['-sS', ...args], { cwd: folder.path });

  test('stores a file that is large enough for it to ask first, and gets it back', async () => {
    const body = randomBytes(3_000_000);
    writeFileSync(join(folder.path, 'up'), body);
    const url = `${server.url}/t/default/kv/team/tools-1.2.tar`;
    const user = ['-u', `x:${TEST_TOKEN}`];
    const stored = await curl('-v', ...user, '-T', 'up', '-H', 'Expect: 100-continue', url);
    assert.match(stored.output, /HTTP\/1.1 100 Continue.*HTTP\/1.1 201 Created/s);
    const got = await curl('-f', ...user, '-o', 'down', url);
    assert.equal(got.exitCode, 0, got.output);
    assert.deepEqual(readFileSync(join(folder.path, 'down')), body);
  });

  test('sends no byte of a file that it may not store', async () => {
    const url = `${server.url}/kv/refused`;
    const asks = ['-H', 'Expect: 100-continue', '-o', 'answer', '-w', '%{http_code} %{size_upload}'];
    const { output } = await curl('-u', 'x:unknown', '-T', 'up', ...asks, url);
    assert.match(output, /401 0$/);
  });
});

test('Maven: asked for credentials as Basic, files first and buildinfo.xml last, and the same again', async () => {
  const base = '/maven/v1.2/org.acme/shop-app/f00ba4';
  for (const version of ['first', 'second'])
    for (const file of ['shop-app.jar', 'shop-app-sources.jar', 'buildinfo.xml']) {
      const challenge = await put(`${base}/${file}`, version, {});
      assert.equal(challenge.status, 401);
      assert.match(challenge.headers.get('www-authenticate') ?? '', /Basic realm=/);
      assert.equal((await put(`${base}/${file}`, version, BASIC)).status, 201);
      assert.equal(await get(`${base}/${file}`), version);
    }
  assert.equal((await put('/maven/v1.2/org.acme/shop/1b4e28ba/build-cache-report.xml', '<x/>')).status, 201);
  assert.equal(await get('/maven/v1.2/org.acme/shop-app/0/buildinfo.xml'), 404);
});

test('a damaged entry is a miss, is gone, and is stored anew', async () => {
  for (const protocol of ['gradle', 'rush', 'kv', 'webdav']) {
    const path = `/${protocol}/0123456789abcdef`;
    await put(path, 'what was built');
    truncateSync(join(folder.path, 'store', 'store-v1', `${path}.blob`), 5);
    assert.equal(await get(path), 404);
    await put(path, 'what was built again');
    assert.equal(await get(path), 'what was built again');
  }
});

test('an upload that breaks off is not stored', async () => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from('half'));
      controller.error(new Error('the client is gone'));
    },
  });
  const init = { method: 'PUT', headers: BEARER, body, duplex: 'half' } as const;
  await assert.rejects(fetch(`${server.url}/gradle/broken-off`, init));
  assert.equal(await get('/gradle/broken-off'), 404);
});

describe('on Ceph radosgw', { skip: s3Skip }, () => {
  test('what was put, and what is got, passes through the server: the bucket has no https', async () => {
    await using remote = await ServerProcess.start(await s3GatewayEnv(s3));
    for (const path of [
      '/kv/a/b',
      '/gradle/0123456789abcdef0123456789abcdef',
      '/webdav/a/b',
      '/maven/v1/g/a/c/f',
    ]) {
      const url = remote.url + path;
      const headers = { ...BEARER, 'x-gradle-version': '8.10' };
      assert.ok((await fetch(url, { method: 'PUT', headers, body: path })).ok);
      const reply = await fetch(url, { headers });
      assert.deepEqual([reply.redirected, await reply.text()], [false, path]);
    }
    const again = { method: 'PUT', headers: BEARER, body: 'again' };
    assert.equal((await fetch(`${remote.url}/kv/a/b`, again)).status, 200);
    assert.equal((await fetch(`${remote.url}/maven/v1/g/a/c/f`, again)).status, 201);
    assert.equal(await (await fetch(`${remote.url}/kv/a/b`, { headers: BEARER })).text(), '/kv/a/b');
    assert.equal(await (await fetch(`${remote.url}/maven/v1/g/a/c/f`, { headers: BEARER })).text(), 'again');
  });
});
