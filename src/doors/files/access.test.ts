/** Who may do what with files: tokens by what they are for, and URLs that open one request. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';
import { sendRaw } from '../../../test/rig/raw-http.ts';

let server: FilesServer;
before(async () => {
  server = await FilesServer.start({ hosts: ['files.test'] });
});
after(() => server[Symbol.asyncDispose]());

type Ask = readonly [method: string, target: string, init?: RequestInit];

const READS: readonly Ask[] = [
  ['GET', '/files/there'],
  ['HEAD', '/api/v1/files/there'],
  ['GET', '/files'],
  ['GET', '/files/there?history'],
  ['GET', '/files/there?stat'],
  ['GET', '/api/v1/journal'],
  ['GET', '/api/v1/journal/stats'],
];
const WRITES: readonly Ask[] = [
  ['PUT', '/files/there', { body: 'x' }],
  ['PUT', '/api/v1/files/there', { body: 'x' }],
  ['PATCH', '/files/there', { body: 'x', headers: { 'x-update-range': 'append' } }],
  ['PATCH', '/files/there', { body: '{"name":"other"}' }],
  ['POST', '/files/other?move_to=there'],
  ['POST', '/files/there?copy_to=copy'],
  ['POST', '/files/folder?mkdir'],
  ['POST', '/files/there?restore_revision=1'],
  ['DELETE', '/files/there'],
];
const PRUNE: Ask = [
  'POST',
  '/api/v1/prune',
  { body: '{"unread":"1d"}', headers: { 'content-type': 'application/json' } },
];

async function statusesOf(asks: readonly Ask[], token: string | undefined): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  for (const [method, target, init] of asks) {
    const reply = await server.fetch(target, { ...init, method }, token);
    statuses.add(reply.status < 300 ? 200 : reply.status);
    await reply.arrayBuffer();
  }
  return statuses;
}

describe('a token', () => {
  for (const [token, reads, writes, prune] of [
    ['main', 200, 200, 403],
    ['admin', 200, 200, 200],
    ['reader', 200, 403, 403],
    ['other-tenant', 403, 403, 403],
    ['developer', 403, 403, 403],
    ['pull-request', 403, 403, 403],
    ['of nobody', 401, 401, 401],
    ['', 401, 401, 401],
  ] as const)
    test(`"${token}" is answered ${reads} to reads, ${writes} to writes and ${prune} to a prune`, async () => {
      await server.put('there', 'x');
      await server.fetch('/files/copy', { method: 'DELETE' });
      assert.deepEqual([...(await statusesOf(READS, token))], [reads]);
      assert.deepEqual([...(await statusesOf(WRITES, token))], [writes]);
      assert.deepEqual([...(await statusesOf([PRUNE], token))], [prune]);
    });

  test('that may not write changes nothing, and its body is not waited for', async () => {
    await server.put('untouched', 'x');
    for (const token of ['reader', 'developer', 'nobody']) {
      const answer = await sendRaw(
        server.url,
        `PUT /files/untouched HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 40[13] /, token);
    }
    assert.equal(await server.textAt('untouched'), 'x');
    assert.deepEqual(await server.opsOf('untouched'), ['create']);
  });

  test('is named in the journal', async () => {
    await server.fetch('/files/named', { method: 'PUT', body: 'x' }, 'admin');
    const page = (await (await server.fetch('/files/named?history')).json()) as {
      revisions: { by: string }[];
    };
    assert.equal(page.revisions[0]?.by, 'admin');
  });
});

describe('a presigned URL', () => {
  const open = (url: string, init: RequestInit = {}): Promise<Response> => fetch(server.url + url, init);

  test('opens its method of its path, at both addresses and at the host of files', async () => {
    await server.put('signed/a b.txt', 'x');
    const url = server.signed('GET', 'signed/a b.txt');
    assert.equal(await (await open(url)).text(), 'x');
    assert.equal(await (await open(`/api/v1${url}`)).text(), 'x');
    const own = url.replace('/files', '');
    const answer = await sendRaw(
      server.url,
      `GET ${own} HTTP/1.1\r\nHost: files.test\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const put = await open(server.signed('PUT', 'signed/new'), { method: 'PUT', body: 'by url' });
    assert.equal(put.status, 201);
    assert.equal(await server.textAt('signed/new'), 'by url');
  });

  test('opens nothing else: no other method, path, bucket or time, and no second signature', async () => {
    await server.put('signed/file', 'x');
    await server.put('signed/other', 'secret');
    const get = server.signed('GET', 'signed/file');
    const sig = get.slice(get.indexOf('sig=') + 4);
    for (const [what, method, url] of [
      ['method', 'PUT', get],
      ['method', 'HEAD', get],
      ['method', 'DELETE', get],
      ['method', 'PATCH', get],
      ['method', 'POST', `${get}&mkdir`],
      ['method', 'GET', server.signed('PUT', 'signed/file')],
      ['path', 'GET', `/files/signed/other?sig=${sig}`],
      ['path', 'GET', `/files/signed?sig=${sig}`],
      ['path', 'GET', `/files/signed/file/../other?sig=${sig}`],
      ['path', 'GET', `/files/signed/file%2f..%2fother?sig=${sig}`],
      ['bucket', 'GET', server.signed('GET', 'signed/file', { bucket: 'media' })],
      ['bucket', 'GET', server.signed('GET', 'signed/file', { bucket: '' })],
      ['time', 'GET', server.signed('GET', 'signed/file', { expiresAt: server.clock.now() - 1000 })],
      ['two', 'GET', `${get}&sig=${sig}`],
      ['two', 'GET', `${get}&%73ig=x`],
      ['none', 'GET', '/files/signed/file?sig='],
      ['journal', 'GET', `/api/v1/journal?sig=${sig}`],
      ['journal', 'GET', `/api/v1/journal/stats?sig=${sig}`],
      ['prune', 'POST', `/api/v1/prune?sig=${sig}`],
    ] as const) {
      const answer = await sendRaw(
        server.url,
        `${method} ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 40[03] /, `${what} ${method} ${url}`);
      assert.doesNotMatch(answer, /secret/);
    }
    assert.equal(await server.textAt('signed/file'), 'x');
  });

  test('is not helped by a token beside it', async () => {
    const reply = await server.fetch('/files/signed/other?sig=x.y', {}, 'admin');
    assert.deepEqual([reply.status, await codeOf(reply)], [403, 'FORBIDDEN']);
  });

  test('is refused with the reason that it has expired', async () => {
    const url = server.signed('GET', 'signed/file', { expiresAt: server.clock.now() - 1 });
    server.clock.advance(1000);
    const reply = await open(url);
    assert.deepEqual([reply.status, await codeOf(reply)], [403, 'URL_EXPIRED']);
  });
});
