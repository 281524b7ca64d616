import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CompatServer } from '../../../../test/rig/compat-server.ts';
import { digestMessage, message } from '../../../../test/rig/protobuf.ts';
import { openSocket, readAll } from '../../../../test/rig/raw-http.ts';
import { digestOf } from '../../../base/digest.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';

const EMPTY = digestOf('');
const freshHash = (): string => digestOf(randomBytes(16));

let server: CompatServer;
before(async () => {
  server = await CompatServer.start({ maxArtifactBytes: 200_000 });
});
after(() => server[Symbol.asyncDispose]());

/** Stores content; its digest. */
async function putBlob(body: string | Uint8Array, to = server): Promise<string> {
  const digest = digestOf(body);
  assert.equal((await to.put(`/cas/${digest}`, body)).status, 200);
  return digest;
}

/** An action result that names files. */
function resultOf(...digests: readonly string[]): Buffer {
  return message(
    ...digests.map((hash) => [2, message([1, `out/${hash}`], [2, digestMessage(hash, 1)])] as const),
  );
}

describe('addresses', () => {
  for (const base of [
    '',
    '/inst',
    '/a/b/c',
    '/a/b/c/d/e/f/g/h',
    '/t/default',
    '/t/default/inst',
    '/v1',
    '/ac',
    '/cas/ac',
    '/t',
  ])
    test(`content and results are kept below the base path "${base}"`, async () => {
      const [digest, action] = [digestOf(`content ${base}`), freshHash()];
      assert.equal((await server.fetch(`${base}/cas/${digest}`)).status, 404);
      assert.equal((await server.put(`${base}/cas/${digest}`, `content ${base}`)).status, 200);
      assert.equal((await server.put(`${base}/ac/${action}`, 'a result')).status, 200);
      const content = await server.fetch(`${base}/cas/${digest}`);
      assert.equal(content.headers.get('content-length'), String(`content ${base}`.length));
      assert.equal(await content.text(), `content ${base}`);
      assert.equal(await (await server.fetch(`${base}/ac/${action}`)).text(), 'a result');
      const head = await server.fetch(`${base}/ac/${action}`, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, '8']);
    });

  test('content is shared by all instances, results are not, nor is one instance the other’s beginning', async () => {
    const [digest, action] = [await putBlob('shared by all'), freshHash()];
    assert.equal((await server.fetch(`/other/cas/${digest}`)).status, 200);
    await server.put(`/one/ac/${action}`, 'of one');
    await server.put(`/one/two/ac/${action}`, 'of two');
    for (const [base, text] of [
      ['/one', 'of one'],
      ['/one/two', 'of two'],
    ] as const)
      assert.equal(await (await server.fetch(`${base}/ac/${action}`)).text(), text);
    for (const base of ['', '/two', '/One', '/t/default'])
      assert.equal((await server.fetch(`${base}/ac/${action}`)).status, 404);
  });

  test('an instance below a tenant’s address is the one that its token has at the root', async () => {
    const action = freshHash();
    await server.put(`/t/default/x/ac/${action}`, 'of x');
    assert.equal(await (await server.fetch(`/x/ac/${action}`)).text(), 'of x');
    assert.equal((await server.fetch(`/t/other/x/ac/${action}`)).status, 401);
  });

  for (const path of [
    '/ac/abc',
    `/cas/${'A'.repeat(64)}`,
    `/inst/ac/${'a'.repeat(63)}`,
    `/ac/${'a'.repeat(64)}/x`,
    `/a/b/c/d/e/f/g/h/i/ac/${'a'.repeat(64)}`,
    '/v1/entries',
  ])
    test(`${path.replace(/[aA]{60,}/, '…')} is none of these addresses, with or without a token`, async () => {
      for (const token of ['main', 'unknown'])
        assert.equal((await server.fetch(path, {}, token)).status, 404);
    });

  for (const base of [
    '/a%2Fb',
    '/..%2f',
    '/a%00',
    '/%20',
    '/.hidden',
    `/${'x'.repeat(65)}`,
    '/a%5Cb',
    '/%C3%A9',
  ])
    test(`the base path ${base.slice(0, 12)} is refused, and nothing is stored`, async () => {
      const before = await server.keys();
      assert.equal((await server.put(`${base}/ac/${freshHash()}`, 'x')).status, 400);
      assert.deepEqual(await server.keys(), before);
    });

  test('another method is 405 and told which there are', async () => {
    const answer = await server.fetch(`/inst/cas/${EMPTY}`, { method: 'DELETE' });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD, PUT']);
  });

  test('/status tells a token’s owner the version, and nobody else', async () => {
    for (const base of ['', '/t/default'])
      assert.deepEqual(await (await server.fetch(`${base}/status`)).json(), {
        status: 'enabled',
        version: '1.2.3',
      });
    assert.equal((await server.fetch('/status', {}, 'unknown')).status, 401);
  });
});

describe('content', () => {
  test('that is not what its address says is 400, and is not stored', async () => {
    const digest = digestOf('what was meant');
    const answer = await server.put(`/cas/${digest}`, 'what was sent');
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /^The body was announced with SHA-256 .{1,300}\n$/);
    assert.equal((await server.fetch(`/cas/${digest}`)).status, 404);
  });

  test('that breaks off is not stored', async () => {
    const body = randomBytes(1000);
    const digest = digestOf(body);
    const socket = await openSocket(server.url);
    socket.write(
      `PUT /cas/${digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\nContent-Length: 1000\r\n\r\n`,
    );
    socket.write(body.subarray(0, 500));
    socket.end();
    await readAll(socket);
    assert.equal((await server.fetch(`/cas/${digest}`)).status, 404);
  });

  test('that is there already is answered 200 once it was sent to its end, and is stored once', async () => {
    const body = randomBytes(150_000);
    const digest = await putBlob(body);
    const socket = await openSocket(server.url);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(
      `PUT /cas/${digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    );
    socket.write(body.subarray(0, 100_000));
    // The server answers this one after it has seen the first.
    assert.equal((await server.fetch(`/cas/${digest}`)).status, 200);
    assert.equal(answer, '');
    socket.write(body.subarray(100_000));
    await readAll(socket);
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  test('that is there already is not asked for by who asks first', async () => {
    const digest = await putBlob('there already');
    const socket = await openSocket(server.url);
    socket.write(
      `PUT /cas/${digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer main\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\r\n`,
    );
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 /);
  });

  test('larger than an artifact may be is 413', async () => {
    const body = Buffer.alloc(200_001);
    assert.equal((await server.put(`/cas/${digestOf(body)}`, body)).status, 413);
  });

  test('without a byte is always there, and is stored by nobody', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await server.fetch(`/inst/cas/${EMPTY}`, { method }, 'developer');
      assert.deepEqual([answer.status, answer.headers.get('content-length')], [200, '0']);
    }
    assert.equal((await server.put(`/cas/${EMPTY}`, '')).status, 200);
    assert.equal(
      (await server.put(`/cas/${EMPTY}`, zstdCompressSync(''), 'main', { 'content-encoding': 'zstd' }))
        .status,
      200,
    );
    assert.equal((await server.put(`/cas/${EMPTY}`, 'some bytes')).status, 400);
    assert.equal((await server.put(`/cas/${EMPTY}`, '', 'developer')).status, 403);
    assert.ok(!(await server.keys()).some((key) => key.includes(EMPTY)));
  });

  test('may be had in part', async () => {
    const digest = await putBlob('0123456789');
    const answer = await server.fetch(`/cas/${digest}`, { headers: { range: 'bytes=3-' } });
    assert.deepEqual([answer.status, await answer.text()], [206, '3456789']);
  });
});

describe('content in zstd', () => {
  const body = Buffer.from('as often as you like '.repeat(5000));

  test('is sent to who takes it, and says how long it is', async () => {
    const digest = await putBlob(body);
    const socket = await openSocket(server.url);
    socket.write(
      `GET /cas/${digest} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer main\r\nAccept-Encoding: gzip, zstd\r\n\r\n`,
    );
    const answer = await readAll(socket);
    const [head = '', sent = ''] = answer.split('\r\n\r\n', 2);
    assert.match(head, /^HTTP\/1\.1 200 [\s\S]*content-encoding: zstd/);
    assert.match(head, new RegExp(`x-digest-sizebytes: ${body.length}`));
    assert.match(head, /vary: accept-encoding/);
    assert.doesNotMatch(head, /content-length|accept-ranges|etag: "/);
    assert.deepEqual(zstdDecompressSync(Buffer.from(sent, 'latin1')), body);
  });

  test('is sent to nobody who asks for a part, or for something small', async () => {
    const headers = { 'accept-encoding': 'zstd' };
    const part = await server.fetch(`/cas/${await putBlob(body)}`, {
      headers: { ...headers, range: 'bytes=0-1' },
    });
    assert.deepEqual([part.status, await part.text()], [206, 'as']);
    const small = await server.fetch(`/cas/${await putBlob('small')}`, { headers });
    assert.deepEqual(
      [small.headers.get('content-encoding'), small.headers.get('content-length')],
      [null, '5'],
    );
  });

  test('is stored as what comes out of it, by its digest and length', async () => {
    const fresh = Buffer.concat([randomBytes(20), body]);
    const headers = { 'content-encoding': 'zstd', 'x-digest-sizebytes': String(fresh.length) };
    assert.equal(
      (await server.put(`/cas/${digestOf(fresh)}`, zstdCompressSync(fresh), 'main', headers)).status,
      200,
    );
    const answer = await server.fetch(`/cas/${digestOf(fresh)}`, {
      headers: { 'accept-encoding': 'identity' },
    });
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), fresh);
  });

  for (const [what, sent, headers, status] of [
    ['of another digest', zstdCompressSync('other'), { 'content-encoding': 'zstd' }, 400],
    [
      'of another length than announced',
      zstdCompressSync('meant'),
      { 'content-encoding': 'zstd', 'x-digest-sizebytes': '4' },
      400,
    ],
    [
      'with a length that is none',
      zstdCompressSync('meant'),
      { 'content-encoding': 'zstd', 'x-digest-sizebytes': '-4' },
      400,
    ],
    ['that is no zstd', Buffer.from('meant'), { 'content-encoding': 'zstd' }, 400],
    [
      'that becomes too large',
      zstdCompressSync(Buffer.alloc(10_000_000)),
      { 'content-encoding': 'zstd' },
      413,
    ],
    ['in another coding', Buffer.from('meant'), { 'content-encoding': 'gzip' }, 415],
  ] as const)
    test(`a body ${what} is ${status} and not stored`, async () => {
      const digest = what.includes('large') ? digestOf(Buffer.alloc(10_000_000)) : digestOf('meant');
      assert.equal((await server.put(`/cas/${digest}`, sent, 'main', headers)).status, status);
      assert.equal((await server.fetch(`/cas/${digest}`)).status, 404);
    });
});

describe('who may', () => {
  test('the first result of an action stays, and whoever comes second is told nothing of it', async () => {
    const action = freshHash();
    for (const body of ['first', 'second'])
      assert.equal((await server.put(`/ac/${action}`, body)).status, 200);
    assert.equal(await (await server.fetch(`/ac/${action}`)).text(), 'first');
  });

  test('a token that writes nothing reads, and is 403 when it writes', async () => {
    const digest = await putBlob('for developers');
    assert.equal((await server.fetch(`/cas/${digest}`, {}, 'developer')).status, 200);
    assert.equal((await server.put(`/cas/${digest}`, 'for developers', 'developer')).status, 403);
    assert.equal((await server.put(`/ac/${freshHash()}`, 'result', 'developer')).status, 403);
  });

  test('what a pull request stores is a miss on main', async () => {
    const [digest, action] = [digestOf('of a pull request'), freshHash()];
    await server.put(`/cas/${digest}`, 'of a pull request', 'pull-request');
    await server.put(`/ac/${action}`, resultOf(digest), 'pull-request');
    for (const path of [`/cas/${digest}`, `/ac/${action}`]) {
      assert.equal((await server.fetch(path, {}, 'pull-request')).status, 200);
      assert.equal((await server.fetch(path)).status, 404);
    }
  });

  test('a token that is unknown is 401, with nothing else to be told', async () => {
    const answer = await server.fetch(`/ac/${freshHash()}`, {}, 'unknown');
    assert.equal(answer.status, 401);
    assert.equal(await answer.text(), 'This server does not know the token that was sent.\n');
  });
});

describe('action results', () => {
  async function evict(digest: string): Promise<void> {
    await server.store.delete(parseObjectKey(`bazel/cas/${digest}`));
  }

  test('one whose blobs are there is given back byte for byte', async () => {
    const result = resultOf(await putBlob('here'), EMPTY);
    const action = freshHash();
    await server.put(`/ac/${action}`, result);
    assert.deepEqual(Buffer.from(await (await server.fetch(`/ac/${action}`)).arrayBuffer()), result);
  });

  test('one is a miss while a blob of it is gone, and a hit again with that blob', async () => {
    const [kept, lost, action] = [await putBlob('kept'), await putBlob('lost'), freshHash()];
    await server.put(`/ac/${action}`, resultOf(kept, lost));
    await evict(lost);
    assert.equal((await server.fetch(`/ac/${action}`)).status, 404);
    assert.match(await server.registry.metrics(), /^vc_incomplete_action_results_total 1$/m);
    await putBlob('lost');
    assert.equal((await server.fetch(`/ac/${action}`)).status, 200);
  });

  test('one is a miss while a file in a tree of it is gone, or the tree', async () => {
    const file = await putBlob('in a tree');
    const tree = message(
      [1, message([2, message([1, 'sub'])])],
      [2, message([1, message([1, 'f'], [2, digestMessage(file, 9)])])],
    );
    const [treeDigest, action] = [await putBlob(tree), freshHash()];
    await server.put(
      `/ac/${action}`,
      message([3, message([1, 'out'], [3, digestMessage(treeDigest, tree.length)])]),
    );
    assert.equal((await server.fetch(`/ac/${action}`)).status, 200);
    await evict(file);
    assert.equal((await server.fetch(`/ac/${action}`)).status, 404);
    await putBlob('in a tree');
    await evict(treeDigest);
    assert.equal((await server.fetch(`/ac/${action}`)).status, 404);
  });

  test('one whose blobs are gone is replaced by the next, and by nobody else’s than the scope’s own', async () => {
    const [lost, fresh, action] = [await putBlob('to be lost'), await putBlob('made anew'), freshHash()];
    await server.put(`/ac/${action}`, resultOf(lost));
    await evict(lost);
    await server.put(`/ac/${action}`, resultOf(fresh), 'pull-request');
    assert.equal((await server.fetch(`/ac/${action}`)).status, 404);
    await server.put(`/ac/${action}`, resultOf(fresh));
    assert.deepEqual(Buffer.from(await (await server.fetch(`/ac/${action}`)).arrayBuffer()), resultOf(fresh));
  });

  test('moon’s JSON is given back as JSON, and is a miss when its blobs are gone, like any other', async () => {
    const [digest, action] = [await putBlob('an output of moon'), freshHash()];
    const json = JSON.stringify({ outputFiles: [{ path: 'a', digest: { hash: digest, sizeBytes: '17' } }] });
    const store = () =>
      server.put(`/moon/ac/${action}`, json, 'main', { 'content-type': 'application/json; charset=utf-8' });
    await store();
    const answer = await server.fetch(`/moon/ac/${action}`);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(await answer.text(), json);
    await evict(digest);
    assert.equal((await server.fetch(`/moon/ac/${action}`)).status, 404);
    await putBlob('an output of moon');
    await store();
    assert.equal((await server.fetch(`/moon/ac/${action}`)).status, 200);
  });

  test('a content type that a browser would run is not given back', async () => {
    const action = freshHash();
    await server.put(`/ac/${action}`, '<script>', 'main', { 'content-type': 'text/html' });
    assert.equal(
      (await server.fetch(`/ac/${action}`)).headers.get('content-type'),
      'application/octet-stream',
    );
  });

  test('a result in a coding is 415: nobody would take it off', async () => {
    const headers = { 'content-encoding': 'zstd' };
    assert.equal(
      (await server.put(`/ac/${freshHash()}`, zstdCompressSync('x'), 'main', headers)).status,
      415,
    );
  });

  test('strict: what is no action result is refused, and what is one is stored whole', async () => {
    await using strict = await CompatServer.start({
      actionResults: 'strict',
      maxArtifactBytes: 3 * 1024 * 1024,
    });
    const action = freshHash();
    for (const body of ['{"outputFiles":[]}', '', Buffer.alloc(2 * 1024 * 1024)])
      assert.equal((await strict.put(`/ac/${action}`, body)).status, 400);
    const long = message(
      ...Array.from(
        { length: 5000 },
        (_, index) => [2, message([1, `out/${index}`], [2, digestMessage(EMPTY, 0)])] as const,
      ),
    );
    assert.ok(long.length > 300_000);
    assert.equal((await strict.put(`/ac/${action}`, long)).status, 200);
    assert.deepEqual(Buffer.from(await (await strict.fetch(`/ac/${action}`)).arrayBuffer()), long);
  });

  test('none: a result is given back whatever became of its blobs', async () => {
    await using lax = await CompatServer.start({ actionResults: 'none' });
    const action = freshHash();
    await lax.put(`/ac/${action}`, resultOf(freshHash()));
    assert.equal((await lax.fetch(`/ac/${action}`)).status, 200);
  });
});
