/** rclone, a real WebDAV client, and what no client here asks. sccache's requests are OpenDAL's: `opendal.test.ts`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { ensureDebian } from '../../rig/debian.ts';
import { newToken } from '../../rig/new-token.ts';
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
  readOnlyToken = await newToken(file, 'developer');
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

describe('any other client', () => {
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

  test('a folder may be made and is there already; where a file is, none can be', async () => {
    for (const again of [201, 201]) assert.equal(await status('MKCOL', '/x/y/'), again);
    assert.equal(await status('MKCOL', '/x/y/', { token: readOnlyToken }), 403);
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
