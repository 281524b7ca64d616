import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';
import { openSocket, readAll, sendRaw } from '../../../test/rig/raw-http.ts';
import { until } from '../../../test/rig/until.ts';
import { digestOf } from '../../base/digest.ts';

let server: FilesServer;
before(async () => {
  server = await FilesServer.start({ hosts: ['files.test'], maxUploadBytes: 4 * 1024 * 1024 });
});
after(() => server[Symbol.asyncDispose]());

const LARGE = randomBytes(1_500_000);

/** A request as it is written, to its answer. */
function raw(method: string, target: string, { host = 'x', more = '', body = '' } = {}): Promise<string> {
  return sendRaw(
    server.url,
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer main\r\nConnection: close\r\n${more}\r\n${body}`,
  );
}

function statusOf(answer: string): number {
  return Number(answer.split(' ', 2)[1]);
}

describe('a file', () => {
  for (const prefix of ['/files', '/api/v1/files'])
    test(`is written, read, asked about and deleted at ${prefix}`, async () => {
      const folder = `verbs${prefix.replaceAll('/', '-')}`;
      const url = `${prefix}/${folder}/below/a%20b.txt`;
      const created = await server.fetch(url, { method: 'PUT', body: 'one' });
      assert.equal(created.status, 201);
      assert.equal(created.headers.get('etag'), `"${digestOf('one')}"`);
      assert.equal(created.headers.get('x-revision'), '1');
      assert.equal(readFileSync(server.at(`${folder}/below/a b.txt`), 'utf8'), 'one');

      const replaced = await server.fetch(url, { method: 'PUT', body: 'two!' });
      assert.equal(replaced.status, 200);
      const got = await server.fetch(url);
      assert.equal(await got.text(), 'two!');
      const head = await server.fetch(url, { method: 'HEAD' });
      for (const { headers } of [got, head]) {
        assert.equal(headers.get('etag'), `"${digestOf('two!')}"`);
        assert.equal(headers.get('content-length'), '4');
        assert.equal(headers.get('x-revision'), '2');
        assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8');
        assert.equal(headers.get('last-modified'), new Date(server.clock.now()).toUTCString());
      }
      assert.equal((await server.fetch(url, { method: 'DELETE' })).status, 204);
      const gone = await server.fetch(url);
      assert.equal(gone.status, 404);
      const deletedAt = Date.parse(gone.headers.get('x-deleted-at') ?? '');
      assert.ok(Math.abs(deletedAt - server.clock.now()) < 1000);
      assert.equal((await server.fetch(url, { method: 'DELETE' })).status, 404);
    });

  test('is at the root of a host that is for files, whatever the port and the case', async () => {
    await server.put('cache/x', 'of both');
    for (const host of ['files.test', 'FILES.test:8080']) {
      const answer = await raw('GET', '/cache/x', { host });
      assert.equal(statusOf(answer), 200);
      assert.match(answer, /\r\n\r\nof both$/);
    }
    const put = await raw('PUT', '/by-host', {
      host: 'files.test',
      more: 'Content-Length: 2\r\n',
      body: 'hi',
    });
    assert.equal(statusOf(put), 201);
    assert.equal(await server.textAt('by-host'), 'hi');
    for (const path of ['files/x', 'api/v1/files/x', 'api/v1/journal']) {
      const more = 'Content-Length: 1\r\n';
      assert.equal(statusOf(await raw('PUT', `/${path}`, { host: 'files.test', more, body: 'x' })), 201);
      assert.equal(readFileSync(server.at(path), 'utf8'), 'x', 'no other address is there');
    }
    for (const host of ['xfiles.test', 'files.test.x', 'filesxtest'])
      assert.notEqual(statusOf(await raw('GET', '/cache/x', { host })), 200);
  });

  test('is what a chunked body was, of any size', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < LARGE.length; at += 100_000)
          controller.enqueue(LARGE.subarray(at, at + 100_000));
        controller.close();
      },
    });
    const init = { method: 'PUT', body, duplex: 'half' } as RequestInit;
    const reply = await server.fetch('/files/large', init);
    assert.equal(reply.headers.get('etag'), `"${digestOf(LARGE)}"`);
    const got = Buffer.from(await (await server.fetch('/files/large')).arrayBuffer());
    assert.ok(got.equals(LARGE));
    assert.equal(await server.textAt('large?hash'), `${digestOf(LARGE)}\n`);
  });

  test('may be empty', async () => {
    assert.equal((await server.put('empty', '')).status, 201);
    assert.equal(await server.textAt('empty'), '');
    assert.equal(await server.textAt('empty?lines=5'), '');
    assert.equal(await server.textAt('empty?hash'), `${digestOf('')}\n`);
    await server.put('empty', 'no more');
    await server.fetch('/files/empty?restore_revision=1', { method: 'POST' });
    assert.equal(await server.textAt('empty'), '');
  });

  test('is not written where its body is too large, is a part, or names a folder', async () => {
    const tooLarge = await server.put('refused', Buffer.alloc(4 * 1024 * 1024 + 1));
    assert.deepEqual([tooLarge.status, await codeOf(tooLarge)], [413, 'BODY_TOO_LARGE']);
    const part = await server.put('refused', 'x', { 'content-range': 'bytes 0-0/2' });
    assert.deepEqual([part.status, await codeOf(part)], [400, 'BAD_REQUEST']);
    await server.put('folder/file', 'x');
    for (const path of ['folder', 'folder/', 'refused/', '', 'folder/file/below']) {
      const reply = await server.put(path, 'x');
      assert.deepEqual([reply.status, await codeOf(reply)], [409, 'PATH_CONFLICT'], path);
    }
    assert.equal(existsSync(server.at('refused')), false);
    assert.equal(await server.textAt('folder/file'), 'x');
  });

  test('takes no parameters that mean nothing to a write', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH'])
      assert.equal((await server.fetch('/files/x?lines=1', { method })).status, 400, method);
    assert.equal((await server.fetch('/files/x', { method: 'POST' })).status, 400);
  });
});

describe('a part of a file', () => {
  test('is had by one range, and is unsatisfiable behind the end', async () => {
    await server.put('parts', LARGE);
    for (const [range, from, to] of [
      ['bytes=0-9', 0, 10],
      ['bytes=300000-1299999', 300_000, 1_300_000],
      ['bytes=1499990-', 1_499_990, 1_500_000],
      ['bytes=-5', 1_499_995, 1_500_000],
    ] as const) {
      const reply = await server.fetch('/files/parts', { headers: { range } });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers.get('content-range'), `bytes ${from}-${to - 1}/1500000`);
      assert.ok(Buffer.from(await reply.arrayBuffer()).equals(LARGE.subarray(from, to)), range);
    }
    const behind = await server.fetch('/files/parts', { headers: { range: 'bytes=1500000-' } });
    assert.deepEqual([behind.status, behind.headers.get('content-range')], [416, 'bytes */1500000']);
    const head = await server.fetch('/files/parts', { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '1500000']);
  });

  test('is not sent of another file than the one that If-Range means', async () => {
    await server.put('if-range', 'first bytes');
    const headers = { range: 'bytes=0-1', 'if-range': `"${digestOf('others')}"` };
    assert.equal((await server.fetch('/files/if-range', { headers })).status, 200);
    const right = { ...headers, 'if-range': `"${digestOf('first bytes')}"` };
    assert.equal((await server.fetch('/files/if-range', { headers: right })).status, 206);
  });
});

describe('conditions', () => {
  test('of reads: what has not changed is 304, what is not as it must be is 412', async () => {
    const etag = (await server.put('conditional', 'x')).headers.get('etag') ?? '';
    const read = async (headers: Record<string, string>): Promise<number> =>
      (await server.fetch('/files/conditional', { headers })).status;
    assert.equal(await read({ 'if-none-match': etag }), 304);
    assert.equal(await read({ 'if-none-match': '"other"' }), 200);
    assert.equal(await read({ 'if-match': '"other"' }), 412);
    assert.equal(await read({ 'if-match': etag }), 200);
    const now = new Date(server.clock.now()).toUTCString();
    assert.equal(await read({ 'if-modified-since': now }), 304);
  });

  for (const [what, method, target, init] of [
    ['PUT', 'PUT', '', { body: 'new' }],
    ['DELETE', 'DELETE', '', {}],
    ['append', 'PATCH', '', { body: 'new', headers: { 'x-update-range': 'append' } }],
    ['rename', 'PATCH', '', { body: '{"name":"elsewhere"}' }],
    ['move', 'POST', '?move_to=elsewhere', {}],
    ['copy', 'POST', '?copy_to=elsewhere', {}],
    ['restore', 'POST', '?restore_revision=1', {}],
  ] as const)
    test(`of a ${what} hold or it is 412 and nothing changes`, async () => {
      const path = `conditions-${what}`;
      await server.put(path, 'old');
      const ask = async (field: string, value: string): Promise<number> => {
        const headers = { ...('headers' in init ? init.headers : {}), [field]: value };
        return (await server.fetch(`/files/${path}${target}`, { ...init, method, headers })).status;
      };
      assert.equal(await ask('if-match', '"other"'), 412);
      assert.equal(await ask('if-none-match', '*'), 412);
      assert.equal(await server.textAt(path), 'old');
      assert.deepEqual(await server.opsOf(path), ['create']);
      assert.ok((await ask('if-match', `"${digestOf('old')}"`)) < 300);
      await server.fetch('/files/elsewhere', { method: 'DELETE' });
    });

  test('of a folder: one that asks for certain bytes never holds', async () => {
    await server.put('whole/file', 'x');
    for (const [method, target] of [
      ['DELETE', '/files/whole'],
      ['POST', '/files/whole?move_to=other'],
      ['POST', '/files/whole?copy_to=other'],
      ['POST', '/files/whole?mkdir'],
    ] as const) {
      const headers = { 'if-match': `"${digestOf('x')}"` };
      assert.equal((await server.fetch(target, { method, headers })).status, 412, `${method} ${target}`);
    }
    const headers = { 'if-none-match': '*' };
    assert.equal((await server.fetch('/files/whole?mkdir', { method: 'POST', headers })).status, 412);
    assert.equal(await server.textAt('whole/file'), 'x');
    assert.equal(existsSync(server.at('other')), false);
    const any = { 'if-match': '*' };
    assert.equal((await server.fetch('/files/whole', { method: 'DELETE', headers: any })).status, 204);
  });

  test('that cannot hold are refused before a body is asked for', async () => {
    await server.put('asked', 'x');
    const more = 'If-None-Match: *\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n';
    const answer = await raw('PUT', '/files/asked', { more });
    assert.equal(statusOf(answer), 412);
    const folder = await raw('PUT', '/files/folder', { more: more.replace(/^.*\r\n/, '') });
    assert.equal(statusOf(folder), 409);
  });
});

test('a body that was asked for comes after 100 Continue', async () => {
  const socket = await openSocket(server.url);
  const answer = readAll(socket);
  socket.write(
    'PUT /files/expected HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
  );
  let hasContinued = false;
  socket.once('data', (chunk) => {
    hasContinued = String(chunk).startsWith('HTTP/1.1 100');
    socket.write('hello');
  });
  assert.match(await answer, /HTTP\/1\.1 201/);
  assert.ok(hasContinued);
  assert.equal(await server.textAt('expected'), 'hello');
});

test('requests that are sent at once are answered in their order', async () => {
  const one = (method: string, path: string, body = '', close = ''): string =>
    `${method} /files/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\nContent-Length: ${body.length}\r\n${close}\r\n${body}`;
  await server.put('piped', 'first');
  const text = [
    one('GET', 'piped'),
    one('PUT', 'piped-too', 'second'),
    one('DELETE', 'piped-never'),
    one('GET', 'piped', '', 'Connection: close\r\n'),
  ].join('');
  const answer = await sendRaw(server.url, text);
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  assert.deepEqual(statuses, [200, 201, 404, 200]);
  assert.match(answer, /\r\n\r\nfirstHTTP/);
  assert.equal(await server.textAt('piped-too'), 'second');
});

test('an upload that its client breaks off is no file, whether it has a length or not', async () => {
  for (const framing of ['Content-Length: 2000000', 'Transfer-Encoding: chunked']) {
    const socket = await openSocket(server.url);
    const isChunked = framing.startsWith('T');
    socket.write(
      `PUT /files/broken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\n${framing}\r\n\r\n${isChunked ? '16e360\r\n' : ''}`,
    );
    socket.write(LARGE);
    await until(async () => readdirSync(server.at('.velocity/tmp')).length > 0);
    socket.destroy();
    await until(async () => readdirSync(server.at('.velocity/tmp')).length === 0);
    assert.equal(await server.textAt('broken'), 404);
  }
  assert.deepEqual(
    server.logged.filter(({ level }) => level === 'error'),
    [],
  );
});
