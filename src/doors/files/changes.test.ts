/** What a PATCH, a POST and a DELETE change, through the door. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';
import { digestOf } from '../../base/digest.ts';

let server: FilesServer;
before(async () => {
  server = await FilesServer.start();
});
after(() => server[Symbol.asyncDispose]());

function post(target: string): Promise<Response> {
  return server.fetch(`/files/${target}`, { method: 'POST' });
}

function patch(path: string, range: string, body: string): Promise<Response> {
  return server.fetch(`/files/${path}`, { method: 'PATCH', body, headers: { 'x-update-range': range } });
}

function rename(path: string, body: object): Promise<Response> {
  return server.fetch(`/files/${path}`, { method: 'PATCH', body: JSON.stringify(body) });
}

describe('a PATCH of bytes', () => {
  test('writes at the end, over a part, or from somewhere on', async () => {
    await server.put('patched', '0123456789');
    for (const [range, body, text, op] of [
      ['append', 'ab', '0123456789ab', 'append'],
      ['bytes=2-3', 'XY', '01XY456789ab', 'patch'],
      ['bytes=10-', 'cdef', '01XY456789cdef', 'patch'],
      ['bytes=14-', 'g', '01XY456789cdefg', 'patch'],
    ] as const) {
      const reply = await patch('patched', range, body);
      assert.equal(reply.status, 204, range);
      assert.equal(reply.headers.get('etag'), `"${digestOf(text)}"`);
      assert.equal(await server.textAt('patched'), text);
      assert.equal((await server.opsOf('patched')).at(-1), op);
    }
    assert.equal(await server.textAt('patched?revision=1'), '0123456789');
  });

  test('is refused where it begins behind the end, has another length than it says, or there is no file', async () => {
    await server.put('patched', 'four');
    for (const [path, range, body, status, code] of [
      ['patched', 'bytes=5-', 'x', 416, 'RANGE_UNSATISFIABLE'],
      ['patched', 'bytes=0-2', 'xx', 400, 'BODY_TRUNCATED'],
      ['patched', 'bytes=0-2', 'xxxx', 400, 'BAD_REQUEST'],
      ['patched', 'lines=1', 'x', 400, 'BAD_REQUEST'],
      ['unpatched', 'append', 'x', 404, 'NOT_FOUND'],
    ] as const) {
      const reply = await patch(path, range, body);
      assert.deepEqual([reply.status, await codeOf(reply)], [status, code], `${range} ${body}`);
    }
    assert.equal(await server.textAt('patched'), 'four');
    assert.deepEqual(readdirSync(server.at('.velocity/tmp')), []);
  });

  test('of a file that another program wrote keeps its mode and its bytes', async () => {
    await writeFile(server.at('by-hand'), 'by hand', { mode: 0o755 });
    assert.equal((await patch('by-hand', 'append', ', and more')).status, 204);
    assert.equal(await server.textAt('by-hand'), 'by hand, and more');
    const stat = (await (await server.fetch('/files/by-hand?stat')).json()) as { permissions: string };
    assert.equal(stat.permissions, '755');
    assert.deepEqual(await server.opsOf('by-hand'), ['gap', 'append']);
  });
});

describe('a move', () => {
  test('is another name, or another place, with the history of both', async () => {
    await server.put('moves/a', 'x');
    assert.equal((await rename('moves/a', { name: 'b' })).status, 200);
    assert.equal((await rename('moves/b', { move_to: 'moves/deep/er/c' })).status, 200);
    const moved = await post('moves/deep/er/c?move_to=/moves/d');
    assert.equal(moved.headers.get('etag'), `"${digestOf('x')}"`);
    assert.equal(await server.textAt('moves/d'), 'x');
    assert.deepEqual(await server.opsOf('moves/a'), ['create', 'moved_from']);
    assert.deepEqual(await server.opsOf('moves/b'), ['moved_to', 'moved_from']);
    assert.equal(await server.textAt('moves/a?revision=1'), 'x');
    assert.notEqual((await server.fetch('/files/moves/a')).headers.get('x-deleted-at'), null);
  });

  test('replaces a file only where it says so, and a folder never', async () => {
    await server.put('taken/from', 'new');
    await server.put('taken/to', 'old');
    await server.put('taken/folder/file', 'x');
    assert.equal((await post('taken/from?move_to=taken/to')).status, 409);
    assert.equal((await post('taken/from?move_to=taken/folder&overwrite')).status, 409);
    assert.equal((await post('taken/folder?move_to=taken/to&overwrite')).status, 409);
    assert.equal((await post('taken/from?move_to=taken/to&overwrite')).status, 200);
    assert.equal(await server.textAt('taken/to'), 'new');
    assert.equal(await server.textAt('taken/to?revision=1'), 'old');
    assert.equal(await server.textAt('taken/from'), 404);
  });

  test('of a folder takes along what lies in it, each file with its history', async () => {
    await server.put('tree/a', '1');
    await server.put('tree/b/c', '2');
    await writeFile(server.at('tree/by-hand'), '3');
    assert.equal((await post('tree?move_to=other/tree')).status, 200);
    for (const [path, text] of [
      ['other/tree/a', '1'],
      ['other/tree/b/c', '2'],
      ['other/tree/by-hand', '3'],
    ] as const) {
      const reply = await server.fetch(`/files/${path}`);
      assert.equal(reply.headers.get('etag'), `"${digestOf(text)}"`, path);
      assert.equal(await reply.text(), text);
    }
    assert.equal(existsSync(server.at('tree')), false);
    assert.deepEqual(await server.opsOf('tree/b/c'), ['create', 'moved_from']);
    assert.deepEqual(await server.opsOf('other/tree/b/c'), ['moved_to']);
    assert.equal(await server.textAt('tree/b/c?revision=1'), '2');
  });

  test('into itself, over itself, of the root, and of nothing changes nothing', async () => {
    await server.put('self/file', 'x');
    for (const target of [
      'self?move_to=self/below',
      'self?move_to=self',
      'self/file?move_to=self/file&overwrite',
      'self/file?copy_to=self/file&overwrite',
      'self?copy_to=self/below',
      'self/file?move_to=self&overwrite',
      'self/file?copy_to=self&overwrite',
      'self?move_to=self/file&overwrite',
      '?move_to=elsewhere',
      '?copy_to=elsewhere',
      '?mkdir',
    ]) {
      const reply = await post(target);
      assert.deepEqual([reply.status, await codeOf(reply)], [409, 'PATH_CONFLICT'], target);
    }
    assert.equal((await post('self?move_to=')).status, 400);
    assert.equal((await post('nothing?move_to=left/over')).status, 404);
    assert.equal((await post('nothing?copy_to=left/over')).status, 404);
    assert.equal(existsSync(server.at('left')), false);
    assert.equal((await server.fetch('/files', { method: 'DELETE' })).status, 409);
    assert.equal(await server.textAt('self/file'), 'x');
  });
});

describe('a copy', () => {
  test('of a file is a file of its own', async () => {
    await server.put('copied/from', 'x');
    const reply = await post('copied/from?copy_to=copied/deep/to');
    assert.equal(reply.headers.get('etag'), `"${digestOf('x')}"`);
    await server.put('copied/from', 'changed');
    assert.equal(await server.textAt('copied/deep/to'), 'x');
    assert.equal((await post('copied/from?copy_to=copied/deep/to')).status, 409);
    assert.equal((await post('copied/from?copy_to=copied/deep/to&overwrite')).status, 200);
    assert.equal(await server.textAt('copied/deep/to'), 'changed');
    assert.deepEqual(await server.opsOf('copied/deep/to'), ['copied_to', 'copied_to']);
  });

  test('of a folder has what is in it, and no links', async () => {
    await server.put('original/a', '1');
    await server.put('original/b/c', '2');
    await mkdir(server.at('original/empty'));
    await symlink('/etc', server.at('original/out'));
    assert.equal((await post('original?copy_to=duplicate')).status, 200);
    assert.deepEqual(readdirSync(server.at('duplicate')).sort(), ['a', 'b', 'empty']);
    assert.equal(await server.textAt('duplicate/b/c'), '2');
    assert.equal((await post('original?copy_to=duplicate&overwrite')).status, 409);
  });
});

test('a folder is made once, with those above it, and not where a file is', async () => {
  assert.equal((await post('made/here?mkdir')).status, 201);
  assert.equal((await post('made/here?mkdir')).status, 200);
  assert.deepEqual(await server.opsOf('made/here'), ['mkdir']);
  await server.put('made/file', 'x');
  assert.equal((await post('made/file?mkdir')).status, 409);
  assert.equal((await post('made/file/below?mkdir')).status, 409);
});

test('a folder is removed with all that is in it, and what that was stays known', async () => {
  await server.put('gone/a', '1');
  await server.put('gone/b/c', '2');
  await symlink('/etc', server.at('gone/out'));
  assert.equal((await server.fetch('/files/gone', { method: 'DELETE' })).status, 204);
  assert.equal(existsSync(server.at('gone')), false);
  assert.equal(existsSync('/etc/passwd'), true);
  assert.deepEqual(readdirSync(server.at('.velocity/tmp')), []);
  assert.deepEqual(await server.opsOf('gone'), ['dir_deleted']);
  assert.equal(await server.textAt('gone/b/c?revision=1'), '2');
  const reply = await server.fetch('/files/gone/b/c');
  assert.notEqual(reply.headers.get('x-deleted-at'), null);
  await post('gone/b/c?restore_revision=1');
  assert.equal(await server.textAt('gone/b/c'), '2');
});
