/** rclone, a real WebDAV client; and what sccache says through OpenDAL, which cannot be had here, word for word. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { velocity } from '../../rig/cli.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';

const ready = await ensureDebian({ programs: ['rclone'], packages: ['rclone'] });
const noRclone = ready === 'ready' ? false : ready.skip;

let folder: TempFolder;
let server: ServerProcess;
let readOnlyToken: string;
before(async () => {
  folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const made = await velocity(['token', 'new', '--preset', 'developer', '--file', file], {
    cwd: folder.path,
  });
  readOnlyToken = made.stdout.trim();
  server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'store'),
    VC_AUTH_TOKENS_FILE: file,
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe('rclone', { skip: noRclone }, () => {
  async function rclone(args: readonly string[], { token = TEST_TOKEN, path = '/webdav' } = {}) {
    const env = { RCLONE_WEBDAV_URL: server.url + path, RCLONE_WEBDAV_BEARER_TOKEN: token };
    const config = ['--config', join(folder.path, 'no-config'), '--retries', '1', '--low-level-retries', '1'];
    return runTool('rclone', [...config, ...args], { cwd: folder.path, env });
  }

  test('folders are copied up, also below the tenant, and files are copied down by name', async () => {
    mkdirSync(join(folder.path, 'up', 'inner'), { recursive: true });
    const bodies = { 'a.bin': randomBytes(300_000), 'inner/empty': Buffer.alloc(0) };
    for (const [name, body] of Object.entries(bodies)) writeFileSync(join(folder.path, 'up', name), body);
    for (const path of ['/webdav', '/t/default/webdav/another']) {
      const copied = await rclone(['copy', 'up', ':webdav:some/folder'], { path });
      assert.equal(copied.exitCode, 0, copied.output);
      for (const [name, body] of Object.entries(bodies)) {
        const remote = `:webdav:some/folder/${name}`;
        const got = await rclone(['copyto', remote, 'down'], { path });
        assert.equal(got.exitCode, 0, got.output);
        assert.deepEqual(readFileSync(join(folder.path, 'down')), body);
      }
    }
  });

  test('a folder cannot be copied down, and what is to become like it is left alone', async () => {
    writeFileSync(join(folder.path, 'stored'), 'stored');
    await rclone(['copyto', 'stored', ':webdav:a-folder/stored']);
    mkdirSync(join(folder.path, 'mine'));
    writeFileSync(join(folder.path, 'mine', 'file'), 'mine');
    for (const command of ['copy', 'sync']) {
      const { exitCode, output } = await rclone([command, ':webdav:a-folder', 'mine']);
      assert.notEqual(exitCode, 0);
      assert.match(output, /directory not found/);
    }
    assert.equal(readFileSync(join(folder.path, 'mine', 'file'), 'utf8'), 'mine');
  });

  test('the first write wins, and rclone is not told that another one did', async () => {
    writeFileSync(join(folder.path, 'first'), 'first');
    writeFileSync(join(folder.path, 'other'), 'another length');
    await rclone(['copyto', 'first', ':webdav:once']);
    assert.notEqual((await rclone(['copyto', 'other', ':webdav:once'])).exitCode, 0);
  });

  test('a token that only reads copies nothing up, and an unknown one nothing at all', async () => {
    writeFileSync(join(folder.path, 'first'), 'first');
    await rclone(['copyto', 'first', ':webdav:for-all']);
    const refused = await rclone(['copyto', 'first', ':webdav:not-this'], { token: readOnlyToken });
    assert.match(refused.output, /403/);
    const got = await rclone(['copyto', ':webdav:for-all', 'got'], { token: readOnlyToken });
    assert.equal(got.exitCode, 0, got.output);
    assert.equal(readFileSync(join(folder.path, 'got'), 'utf8'), 'first');
    assert.match((await rclone(['copyto', ':webdav:for-all', 'not'], { token: 'unknown' })).output, /401/);
  });
});

describe('sccache, as OpenDAL speaks for it', () => {
  const PROPFIND =
    '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>';

  interface Asked {
    readonly token?: string;
    readonly body?: string;
    readonly depth?: string;
  }

  async function ask(method: string, path: string, { token = TEST_TOKEN, body, depth }: Asked = {}) {
    const reply = await fetch(`${server.url}/webdav${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(depth === undefined ? {} : { depth }) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: reply.status, text: await reply.text(), headers: reply.headers };
  }
  const status = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;
  const stat = (path: string, token?: string) =>
    ask('PROPFIND', path, { body: PROPFIND, depth: '0', ...(token === undefined ? {} : { token }) });

  test('it starts with a token that writes: reads its check file, makes the folder, writes it; and so the next time', async () => {
    assert.equal(await status('GET', '/first/.sccache_check'), 404);
    assert.match((await stat('/first/')).text, /<D:collection\/>/);
    assert.equal(await status('PUT', '/first/.sccache_check', { body: 'Hello, World!' }), 201);
    assert.equal((await ask('GET', '/first/.sccache_check')).text, 'Hello, World!');
    assert.equal(await status('PUT', '/first/.sccache_check', { body: 'Hello, World!' }), 204);
  });

  test('with a token that only reads its first read is a file or 404 and its first write 403, so it only reads', async () => {
    const token = readOnlyToken;
    assert.equal(await status('GET', '/none/.sccache_check', { token }), 404);
    assert.equal(await status('PUT', '/none/.sccache_check', { token, body: 'Hello, World!' }), 403);
    assert.equal(await status('MKCOL', '/none/', { token }), 403);
    assert.equal(await status('GET', '/first/.sccache_check', { token }), 200);
  });

  test('it stores what it compiled in folders of three letters, and finds it', async () => {
    const path = '/p/0/1/2/012fed';
    assert.equal((await stat('/p/0/1/2/')).status, 207);
    assert.equal(await status('GET', path), 404);
    assert.equal(await status('PUT', path, { body: 'an object file' }), 201);
    assert.equal((await ask('GET', path)).text, 'an object file');
    const { status: found, text } = await stat(path);
    assert.equal(found, 207);
    assert.match(text, /<D:getcontentlength>14<\/D:getcontentlength>.*<D:resourcetype\/>/s);
    assert.match(text, /<D:getlastmodified>\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT<\/D:getlastmodified>/);
    assert.equal((await stat('/p/0/1/2/nothing')).status, 404);
  });

  test('a folder may be made and is there already; where a file is, none can be', async () => {
    assert.equal(await status('MKCOL', '/x/y/'), 201);
    assert.equal(await status('MKCOL', '/x/y/'), 201);
    await ask('PUT', '/x/file', { body: 'x' });
    assert.equal(await status('MKCOL', '/x/file/'), 405);
    assert.equal(await status('MKCOL', '/'), 405);
    assert.equal(await status('GET', '/x/'), 404);
  });

  test('it is a WebDAV server that lists nothing', async () => {
    const { status: found, headers } = await ask('OPTIONS', '/');
    assert.deepEqual([found, headers.get('dav')], [200, '1']);
    assert.equal(await status('PROPFIND', '', { depth: '0' }), 207);
    assert.equal(await status('PROPFIND', '/x/', { depth: '1' }), 404);
    const tree = await ask('PROPFIND', '/', { depth: 'infinity' });
    assert.match(`${tree.status} ${tree.text}`, /^403 .*propfind-finite-depth/s);
  });
});
