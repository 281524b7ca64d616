/** What goes wrong under the door of files. F names rows of docs/faults.md. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';
import { openSocket, readAll, sendRaw } from '../../../test/rig/raw-http.ts';
import { TinyDisk } from '../../../test/rig/tiny-disk.ts';
import { until } from '../../../test/rig/until.ts';
import { digestOf } from '../../base/digest.ts';
import type { FilePath } from '../../files/file-path.ts';

const MIB = 1024 * 1024;

function request(method: string, target: string, more = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\n${more}\r\n`;
}

describe('a disk', () => {
  test('that runs full refuses what finds no room, and goes on reading; with room it writes again (F3)', async (t) => {
    const disk = await TinyDisk.mount(24);
    if ('skip' in disk) return t.skip(disk.skip);
    await using _disk = disk;
    await using server = await FilesServer.start({ root: `${disk.path}/files` });
    await server.put('kept', 'kept');
    await server.put('patched', 'x');
    const body = Buffer.alloc(8 * MIB, 'a');
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await server.put(`large/${i}`, body)).status);
    assert.deepEqual(statuses.slice(-2), [507, 507]);
    const append = { method: 'PATCH', body, headers: { 'x-update-range': 'append' } };
    assert.equal((await server.fetch('/files/patched', append)).status, 507);
    assert.equal((await server.fetch('/files/large/0?copy_to=copy', { method: 'POST' })).status, 507);
    assert.deepEqual(readdirSync(server.at('.velocity/tmp')), []);
    assert.equal(await server.textAt('kept'), 'kept');
    assert.equal(await server.textAt('patched'), 'x');
    assert.equal(await server.textAt('copy'), 404);
    assert.equal((await server.fetch('/files/large', { method: 'DELETE' })).status, 204);
    await rm(server.at('.velocity/blobs-v1'), { recursive: true });
    assert.equal((await server.put('again', body)).status, 201);
    assert.deepEqual(await server.opsOf('patched'), ['create']);
  });

  test('that is read-only does not start, and says why; with a writable one it has what was there (F5)', async (t) => {
    const disk = await TinyDisk.mount(24);
    if ('skip' in disk) return t.skip(disk.skip);
    await using _disk = disk;
    const root = `${disk.path}/files`;
    {
      await using server = await FilesServer.start({ root });
      await server.put('kept', 'kept');
    }
    await disk.makeReadOnly();
    await assert.rejects(FilesServer.start({ root }), /read-only file system/);
    await disk.makeWritable();
    await using server = await FilesServer.start({ root });
    assert.equal(await server.textAt('kept'), 'kept');
    assert.equal((await server.put('new', 'x')).status, 201);
  });
});

describe('a file that is replaced, moved or deleted while it is sent (F13)', () => {
  const body = Buffer.alloc(8 * MIB, 'old bytes ');
  for (const [what, change] of Object.entries({
    replaced: (server: FilesServer) => server.put('file', Buffer.alloc(8 * MIB, 'new')),
    deleted: (server: FilesServer) => server.fetch('/files/file', { method: 'DELETE' }),
    moved: (server: FilesServer) => server.fetch('/files/file?move_to=away', { method: 'POST' }),
    patched: (server: FilesServer) =>
      server.fetch('/files/file', {
        method: 'PATCH',
        body: 'new',
        headers: { 'x-update-range': 'bytes=0-2' },
      }),
  }))
    test(`is read to its end as it was: ${what}`, async () => {
      await using server = await FilesServer.start();
      await server.put('file', body);
      const reply = await server.fetch('/files/file');
      assert.ok((await change(server)).ok);
      assert.ok(Buffer.from(await reply.arrayBuffer()).equals(body));
      assert.equal(reply.headers.get('etag'), `"${digestOf(body)}"`);
    });

  test('and cut off in place by another program it is cut, never short', async () => {
    await using server = await FilesServer.start();
    for (const size of [1000, 8 * MIB]) {
      await server.put('file', Buffer.alloc(size, 'x'));
      const socket = await openSocket(server.url);
      socket.pause();
      socket.write(request('GET', '/files/file', 'Connection: close\r\n'));
      if (size > 1000) await until(async () => server.opened.files.isRead('file' as FilePath));
      await writeFile(server.at('file'), 'cut');
      const answer = await readAll(socket.resume());
      const [head = '', sent = ''] = answer.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      assert.ok(size > 1000 ? sent.length < length : sent.length === length, `${sent.length} of ${length}`);
    }
  });
});

test('16 writes of what is not there yet make one file, and 15 are told 412 (F12)', async () => {
  await using server = await FilesServer.start();
  for (let round = 0; round < 10; round++) {
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        server.put(`race/${round}`, `writer ${i}`, { 'if-none-match': '*' }),
      ),
    );
    const statuses = replies.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, ...Array.from({ length: 15 }, () => 412)]);
    const won = replies.findIndex(({ status }) => status === 201);
    assert.equal(await server.textAt(`race/${round}`), `writer ${won}`);
    assert.deepEqual(await server.opsOf(`race/${round}`), ['create']);
  }
});

test('a client that leaves while it reads or patches leaves nothing behind', async () => {
  await using server = await FilesServer.start();
  await server.put('file', Buffer.alloc(8 * MIB, 'x'));
  for (const text of [
    request('GET', '/files/file'),
    request('GET', '/files/file?lines=-5'),
    `${request('PATCH', '/files/file', 'X-Update-Range: append\r\nContent-Length: 100\r\n')}half`,
  ]) {
    const socket = await openSocket(server.url);
    socket.pause();
    socket.write(text);
    const isPatch = text.startsWith('PATCH');
    await until(async () =>
      isPatch
        ? readdirSync(server.at('.velocity/tmp')).length > 0
        : server.opened.files.isRead('file' as FilePath) || socket.readableLength > 0,
    );
    socket.resetAndDestroy();
    await until(
      async () =>
        !server.opened.files.isRead('file' as FilePath) &&
        readdirSync(server.at('.velocity/tmp')).length === 0,
    );
  }
  assert.deepEqual(await server.opsOf('file'), ['create']);
  assert.deepEqual(
    server.logged.filter(({ level }) => level === 'error'),
    [],
  );
});

test('50 clients that do not read a large file hold no more of it than a little each', async () => {
  await using server = await FilesServer.start();
  await server.put('large', Buffer.alloc(100 * MIB, 'x'));
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const sockets = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = createConnection({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.pause();
      socket.write(request('GET', '/files/large'));
      return socket;
    }),
  );
  assert.equal(
    await server.textAt('large?hash'),
    `${digestOf(Buffer.alloc(100 * MIB, 'x'))}\n`,
    'others go on',
  );
  const grown = (process.memoryUsage.rss() - before) / MIB;
  for (const socket of sockets) socket.destroy();
  assert.ok(grown < 400, `${Math.round(grown)} MiB`);
  await until(async () => !server.opened.files.isRead('large' as FilePath));
});

test('a body in chunks of a byte each is what it was', async () => {
  await using server = await FilesServer.start();
  const chunks = Array.from({ length: 5000 }, (_, i) => `1\r\n${i % 10}\r\n`).join('');
  const more = 'Transfer-Encoding: chunked\r\nConnection: close\r\n';
  const answer = await sendRaw(server.url, `${request('PUT', '/files/bytes', more)}${chunks}0\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 201 /);
  assert.equal(await server.textAt('bytes'), '0123456789'.repeat(500));
  assert.equal(await server.textAt('bytes?hash'), `${digestOf('0123456789'.repeat(500))}\n`);
});

test('a folder of many files is listed up to a limit, moved and removed', async () => {
  await using server = await FilesServer.start();
  await server.put('many/first', 'x');
  for (let i = 0; i < 3000; i++) await writeFile(server.at(`many/${i}`), '');
  const listing = (await (await server.fetch('/files/many')).json()) as { entries: object[] };
  assert.equal(listing.entries.length, 3001);
  assert.equal((await server.fetch('/files/many?move_to=moved', { method: 'POST' })).status, 200);
  assert.equal((await server.fetch('/files/moved', { method: 'DELETE' })).status, 204);
  assert.equal(await server.textAt('moved/2999?revision=1'), 410, 'nobody kept the bytes');
});

test('a journal that cannot be written refuses every change with a reason, and nothing is done', async () => {
  await using server = await FilesServer.start();
  await server.put('file', 'x');
  await server.opened.files.journal.close();
  for (const [method, target, body] of [
    ['PUT', '/files/file', 'y'],
    ['DELETE', '/files/file', undefined],
    ['POST', '/files/file?move_to=other', undefined],
  ] as const) {
    const reply = await server.fetch(target, { method, ...(body === undefined ? {} : { body }) });
    assert.deepEqual([reply.status, await codeOf(reply)], [503, 'JOURNAL_UNAVAILABLE'], method);
  }
  assert.deepEqual(readdirSync(server.root).sort(), ['.velocity', 'file']);
  assert.deepEqual(readdirSync(server.at('.velocity/tmp')), []);
});
