/** Uploads to GitHub's cache service, where clients do what its library does not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call, create, download, finalize, save, sendWhole } from '../../rig/cache-service.ts';
import { openSocket, readAll } from '../../rig/raw-http.ts';
import { ServerProcess } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';

describe('an upload to the cache service', () => {
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

  test('an upload is no entry before it is finalized, nor with another size than was sent', async () => {
    const url = await create(server.url, 'pending');
    assert.equal((await sendWhole(url, 'twelve bytes')).status, 201);
    assert.equal(await download(server.url, 'pending'), undefined);
    for (const size of [11, 13, '0']) {
      const { status, body } = await finalize(server.url, 'pending', size);
      assert.deepEqual([status, body['ok']], [200, false]);
    }
    assert.equal(await download(server.url, 'pending'), undefined);
    const finalized = await finalize(server.url, 'pending', '12');
    assert.ok(Number.isSafeInteger(Number(finalized.body['entry_id'])));
    assert.equal(await download(server.url, 'pending'), 'twelve bytes');
    // Its answer may have been lost: asked again it is the same.
    assert.deepEqual(await finalize(server.url, 'pending', '12'), finalized);
  });

  test('an upload that breaks off, lacks a block or sends another under the same id is not taken (F7)', async () => {
    const url = await create(server.url, 'broken');
    const block = (id: string, body: string): Promise<Response> =>
      fetch(`${url}&comp=block&blockid=${id}`, { method: 'PUT', body });
    assert.equal((await block('YQ%3D%3D', 'a')).status, 201);
    assert.equal((await block('YQ%3D%3D', 'a')).status, 201);
    assert.equal((await block('YQ%3D%3D', 'b')).status, 400);
    const list = (...ids: string[]): Promise<Response> =>
      fetch(`${url}&comp=blocklist`, {
        method: 'PUT',
        body: `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`,
      });
    const lacking = await list('YQ==', 'Yg==');
    assert.equal(lacking.status, 400);
    assert.match(await lacking.text(), /<Error><Code>InvalidInput<\/Code>/);
    const { pathname, search } = new URL(url);
    const socket = await openSocket(url);
    const head = `PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\n`;
    socket.end(`${head}Content-Length: 1000\r\n\r\nhalf`);
    await readAll(socket);
    assert.equal((await finalize(server.url, 'broken', 4)).body['ok'], false);
    assert.equal((await finalize(server.url, 'broken', 1000)).body['ok'], false);
    assert.equal(await download(server.url, 'broken'), undefined);
  });

  test('a block that is damaged makes no entry, and does not stand in the way of the next upload (F10)', async () => {
    const lying = (): string[] => globSync('store-v1/uploads/**/*.blob', { cwd: join(folder.path, 'store') });
    const before = new Set(lying());
    const url = await create(server.url, 'damaged');
    for (const [id, body] of [
      ['YQ==', 'first'],
      ['Yg==', 'other'],
    ] as const)
      await fetch(`${url}&comp=block&blockid=${encodeURIComponent(id)}`, { method: 'PUT', body });
    const [block = ''] = lying().filter((path) => !before.has(path));
    await fetch(`${url}&comp=blocklist`, {
      method: 'PUT',
      body: '<BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>',
    });
    const path = join(folder.path, 'store', block);
    const bytes = readFileSync(path);
    bytes[1] = (bytes[1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    assert.equal((await finalize(server.url, 'damaged', 10)).status, 400);
    assert.equal(await download(server.url, 'damaged'), undefined);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /vc_cache_uploads_total\{protocol="github-actions",outcome="failed"\} 1/);
    await save(server.url, 'damaged', 'well again');
    assert.equal(await download(server.url, 'damaged'), 'well again');
    assert.deepEqual(new Set(lying()), before);
  });

  test('an upload URL opens its upload alone: nothing of it may be changed (A19)', async () => {
    const url = await create(server.url, 'signed');
    const { pathname } = new URL(url);
    const [, , , tenant, scope, entry] = pathname.split('/');
    for (const altered of [
      url.replace(`/${scope}/`, '/other/'),
      url.replace(`/${tenant}/`, '/other/'),
      url.replace(String(entry), createHash('sha256').update('x').digest('hex')),
      url.replace(/[0-9a-f](\?)/, (text) => (text.startsWith('0') ? '1?' : '0?')),
      url.replace(/exp=\d+/, 'exp=9999999999'),
      url.replace(/\?.*/, ''),
      `${url}&key=x`,
    ]) {
      const refused = await sendWhole(altered, 'x');
      assert.equal(refused.status, 403, altered);
      assert.ok(refused.headers.get('x-ms-request-id'));
    }
    for (const method of ['GET', 'DELETE']) assert.ok((await fetch(url, { method })).status >= 400);
    assert.equal(
      server.log.some((line) => JSON.stringify(line).includes('sig=')),
      false,
    );
  });

  test('the service is the same below the address of the token’s tenant', async () => {
    const url = `${server.url}/t/default`;
    await sendWhole(await create(url, 'tenant'), 'x');
    assert.equal((await finalize(url, 'tenant', 1)).body['ok'], true);
    assert.equal(await download(server.url, 'tenant'), 'x');
    assert.equal(
      (await call(`${server.url}/t/other`, 'CreateCacheEntry', { key: 'k', version: 'v' })).status,
      401,
    );
  });

  test('of the key and the restore keys the first that any entry begins with decides, and of its entries the newest', async () => {
    for (const key of ['os-9-old', 'os-1-new', 'win-x', 'os.x']) await save(server.url, key, key);
    for (const [key, restoreKeys, found] of [
      ['os-9-old', ['os-'], 'os-9-old'],
      ['os-', [], 'os-1-new'],
      ['os-3', ['os-'], 'os-1-new'],
      ['none', ['mac-', 'os-9', 'win-'], 'os-9-old'],
      ['none', ['os.'], 'os.x'],
      ['none', ['mac-'], undefined],
    ] as const) {
      const message = { key, version: 'v', restore_keys: restoreKeys };
      const { body } = await call(server.url, 'GetCacheEntryDownloadURL', message);
      assert.equal(body['matched_key'], found);
      if (found !== undefined)
        assert.equal(await (await fetch(String(body['signed_download_url']))).text(), found);
      const { body: other } = await call(server.url, 'GetCacheEntryDownloadURL', {
        ...message,
        version: 'w',
      });
      assert.deepEqual(other, { ok: false });
    }
  });

  test('what is malformed is told as Twirp tells it', async () => {
    for (const message of [
      { version: 'v' },
      { key: 'k' },
      { key: 7, version: 'v' },
      { key: 'k'.repeat(513), version: 'v' },
      { key: 'k', version: 'v', restoreKeys: 'x' },
      { key: 'k', version: 'v', restore_keys: Array.from({ length: 11 }, () => 'x') },
      { key: 'k', version: 'v', size_bytes: '-1' },
    ]) {
      const { status, body } = await call(server.url, 'GetCacheEntryDownloadURL', message);
      assert.deepEqual([status, body['code']], [400, 'invalid_argument'], JSON.stringify(message));
    }
  });
});
