/** The folder with a memory as a process of its own: the commands people paste, real programs, kills, lost indexes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { digestOf } from '../../src/base/digest.ts';
import { ensureDebian } from '../rig/debian.ts';
import { cleanEnv, ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const run = promisify(execFile);
const AUTHORIZED = { authorization: `Bearer ${TEST_TOKEN}` };
const DAY_MS = 24 * 3600_000;
const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url));

const tools = await ensureDebian({
  programs: ['curl', 'zstd', 'tar', 'find', 'diff'],
  packages: ['curl', 'zstd', 'tar', 'findutils', 'diffutils'],
});

function serve(root: string, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const own = { VC_FILES_ROOT: root, VC_LOCAL_ROOT: `${root}-build-cache`, VC_LOG_REQUESTS: 'errors' };
  return ServerProcess.start({ ...own, ...env });
}

async function put(server: ServerProcess, path: string, body: Uint8Array | string): Promise<Response> {
  const headers = AUTHORIZED;
  return fetch(`${server.url}/files/${path}`, { method: 'PUT', headers, body: Buffer.from(body) });
}

async function get(server: ServerProcess, path: string): Promise<Response> {
  return fetch(`${server.url}${path}`, { headers: AUTHORIZED });
}

interface Revision {
  readonly seq: number;
  readonly op: string;
  readonly after?: string;
}

async function historyOf(server: ServerProcess, path: string): Promise<readonly Revision[]> {
  const reply = await get(server, `/files/${path}?history`);
  return ((await reply.json()) as { readonly revisions: readonly Revision[] }).revisions;
}

describe('three curls and a line of cron', { skip: tools === 'ready' ? false : tools.skip }, () => {
  test('carry real dependencies from one job to the next, and throw out what no job reads', async () => {
    await using folder = await openTempFolder();
    const root = join(folder.path, 'files');
    await using server = await serve(root, { VC_FILES_HOSTS: 'files.localhost' });
    const host = `http://files.localhost:${new URL(server.url).port}`;
    // The token is where curl itself looks for what every command needs.
    await writeFile(join(folder.path, '.curlrc'), `header = "Authorization: Bearer ${TEST_TOKEN}"\n`);
    const shell = (script: string, cwd: string): Promise<{ stdout: string }> =>
      run('bash', ['-euo', 'pipefail', '-c', script], {
        cwd,
        env: { ...cleanEnv(), CURL_HOME: folder.path, KEY: 'linux-lock-1234', HOST: host },
        maxBuffer: 64e6,
      });
    const [first, next] = [join(folder.path, 'first'), join(folder.path, 'next')];
    for (const job of [first, next]) await mkdir(job);
    const some = ['@azure', '@opentelemetry', '@aws-sdk', '@smithy', '.bin'].map(
      (name) => `'${PACKAGES}/${name}'`,
    );
    await shell(`mkdir node_modules; cp -a ${some.join(' ')} node_modules`, first);
    const { stdout: size } = await shell('du -sm node_modules', first);
    assert.ok(Number.parseInt(size, 10) >= 100, `${size} MiB are a real folder`);

    await shell('tar c node_modules | zstd -T0 | curl -T - $HOST/cache/$KEY.tar.zst', first);
    await shell('curl -fsS $HOST/cache/$KEY.tar.zst | tar x -I zstd', next);
    await shell('diff -r --no-dereference first/node_modules next/node_modules', folder.path);

    // Two that were read last forty days ago; one of them is read now.
    for (const name of ['read', 'unread']) {
      await put(server, `cache/${name}.tar.zst`, 'old');
      const long = new Date(Date.now() - 40 * DAY_MS);
      await utimes(join(root, 'cache', `${name}.tar.zst`), long, long);
    }
    await shell('curl -fsS $HOST/cache/read.tar.zst', next);
    await shell(`find ${root}/cache -atime +30 -delete`, next);
    assert.deepEqual(readdirSync(join(root, 'cache')).sort(), ['linux-lock-1234.tar.zst', 'read.tar.zst']);
    assert.equal((await get(server, '/files/cache/unread.tar.zst')).status, 404);
    assert.equal(
      (await historyOf(server, 'cache/unread.tar.zst')).length,
      1,
      'that it was there stays known',
    );
  });
});

test('a kill in the middle of 200 writes loses none that was acknowledged, nor its history', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  const acknowledged = new Map<string, string>();
  {
    await using server = await serve(root);
    const names = Array.from({ length: 200 }, (_, i) => `many/${i % 20}/${i}`);
    const writer = async (): Promise<void> => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const body = randomBytes(1000 + (names.length % 7) * 30_000);
        const reply = await put(server, name, body);
        if (reply.ok) acknowledged.set(name, digestOf(body));
        await reply.arrayBuffer();
        if (acknowledged.size === 100) server.child.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: 8 }, writer));
    await server.ended();
  }
  assert.ok(acknowledged.size >= 100 && acknowledged.size < 200, String(acknowledged.size));
  await using server = await serve(root);
  for (const [name, sha256] of acknowledged) {
    const reply = await get(server, `/files/${name}`);
    assert.equal(digestOf(new Uint8Array(await reply.arrayBuffer())), sha256);
    assert.equal(reply.headers.get('etag'), `"${sha256}"`);
    assert.equal((await historyOf(server, name)).at(-1)?.after, sha256);
  }
  const temp = join(root, '.velocity', 'tmp');
  assert.deepEqual(readdirSync(temp), [], 'what had not come whole is gone');
});

test('an upload that a kill cuts off is no file, and can be made again', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  {
    await using server = await serve(root);
    const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' }).on(
      'error',
      () => {},
    );
    socket.write(
      `PUT /files/cut HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TEST_TOKEN}\r\nContent-Length: 50000000\r\n\r\n`,
    );
    socket.write(Buffer.alloc(25_000_000));
    await until(async () => readdirSync(join(root, '.velocity', 'tmp')).length > 0);
    await server.end('SIGKILL');
    socket.destroy();
  }
  await using server = await serve(root);
  assert.equal((await get(server, '/files/cut')).status, 404);
  assert.deepEqual(readdirSync(join(root, '.velocity', 'tmp')), []);
  assert.equal((await put(server, 'cut', 'whole')).status, 201);
});

test('a stop in the middle of an upload lets it finish, and the file is whole', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  const body = randomBytes(8_000_000);
  {
    await using server = await serve(root);
    const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
    const answer = text(socket);
    socket.write(
      `PUT /files/stopped HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TEST_TOKEN}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, 4_000_000));
    await until(async () => readdirSync(join(root, '.velocity', 'tmp')).length > 0);
    const ended = server.end('SIGTERM');
    await until(async () => server.log.some(({ message }) => message === 'draining'));
    socket.write(body.subarray(4_000_000));
    assert.match(await answer, /^HTTP\/1\.1 201 /);
    assert.equal(await ended, 0);
  }
  await using server = await serve(root);
  const reply = await get(server, '/files/stopped');
  assert.equal(digestOf(new Uint8Array(await reply.arrayBuffer())), digestOf(body));
});

test('an index that is gone, or is no index, is made anew from the journal', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  const spoil = [
    (path: string) => rm(path, { force: true }),
    (path: string) => writeFile(path, 'no database at all'),
  ];
  {
    await using server = await serve(root);
    for (const body of ['one', 'two', 'three']) await put(server, 'a/file', body);
    assert.equal(await server.end('SIGTERM'), 0);
  }
  for (const each of spoil) {
    const state = join(root, '.velocity');
    const indexes = readdirSync(state).filter((name) => name.startsWith('index-'));
    assert.ok(indexes.length > 0, 'there is an index');
    for (const name of indexes) await each(join(state, name));
    await using server = await serve(root);
    assert.deepEqual(
      (await historyOf(server, 'a/file')).map(({ seq, op }) => `${seq} ${op}`),
      ['1 create', '2 write', '3 write'],
    );
    assert.equal(await (await get(server, '/files/a/file?revision=2')).text(), 'two');
    assert.equal(await server.end('SIGTERM'), 0);
  }
});

test('a second server over the same folder is told who has it', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  await using _server = await serve(root);
  await assert.rejects(serve(root), /Process \d+ uses the folder of files/);
});

test('what a program puts into the folder by itself is served, and what it takes away is not', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'files');
  await using server = await serve(root);
  await mkdir(join(root, 'by-hand'), { recursive: true });
  await writeFile(join(root, 'by-hand', 'file.txt'), 'made with an editor');
  const reply = await get(server, '/files/by-hand/file.txt');
  assert.equal(await reply.text(), 'made with an editor');
  const hash = await get(server, '/files/by-hand/file.txt?hash');
  assert.equal((await hash.text()).trim(), digestOf('made with an editor'));
  await put(server, 'by-hand/file.txt', 'by the server');
  assert.equal(await readFile(join(root, 'by-hand', 'file.txt'), 'utf8'), 'by the server');
  assert.deepEqual(
    (await historyOf(server, 'by-hand/file.txt')).map(({ op }) => op),
    ['gap', 'write'],
    'the journal says that there was something it knows nothing of',
  );
  await rm(join(root, 'by-hand', 'file.txt'));
  assert.equal((await get(server, '/files/by-hand/file.txt')).status, 404);
  assert.equal(existsSync(join(root, 'by-hand')), true);
});
