/** What goes wrong, done to the real process on the local driver. F and A name rows of docs/faults.md. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { access, chmod, open, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { download, negotiate, postNegotiate, slowUpload, upload } from '../rig/negotiate.ts';
import { openSocket, readAll, sendRaw } from '../rig/raw-http.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

let folder: TempFolder;
let server: ServerProcess;
before(async () => {
  folder = await openTempFolder();
  server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const freshHash = (): string => digestOf(randomBytes(16));
const blobPath = (root: string, hash: string): string => join(root, 'store-v1', 'objects', `${hash}.blob`);
const tempFiles = (root: string): Promise<string[]> => readdir(join(root, 'store-v1-tmp'));
/** Half of an upload that is large enough to be on the disk while it is under way. */
const HALF = Buffer.alloc(50_000, 'half');
const WHOLE_LENGTH = String(2 * HALF.length);

async function grantUpload(url: string, hash: string, extra = {}) {
  return negotiate(url, { hash, action: 'upload', ...extra }, 'upload_needed');
}

function head(url: string, headers: Readonly<Record<string, string>>, extra: string[]): string {
  const { host, pathname, search } = new URL(url);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`PUT ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...lines, ...extra, '', ''].join('\r\n');
}

describe('uploads that go wrong', () => {
  test('a server killed in the middle of an upload shows nothing of it after a restart (F1)', async () => {
    await using own = await openTempFolder();
    const hash = freshHash();
    const first = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    const { url, headers } = await grantUpload(first.url, hash);
    const sending = slowUpload(url, { ...headers, 'content-length': '50000000' });
    await sending.write(randomBytes(25_000_000));
    await until(async () => (await tempFiles(own.path)).length > 0);
    await first.end('SIGKILL');
    await assert.rejects(sending.status);
    assert.equal((await tempFiles(own.path)).length, 1, 'the dead server left its temporary file');

    await using second = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    assert.deepEqual(await tempFiles(own.path), []);
    assert.equal(await download(second.url, hash), undefined);
    const body = randomBytes(1_000);
    assert.equal(await upload(second.url, hash, body), 201);
    assert.deepEqual(await download(second.url, hash), body);
  });

  test('a start does not sweep the temporary files of another living server', async () => {
    const hash = freshHash();
    const { url, headers } = await grantUpload(server.url, hash);
    const body = randomBytes(3_000_000);
    const sending = slowUpload(url, { ...headers, 'content-length': String(body.length) });
    await sending.write(body.subarray(0, 2_000_000));
    await until(async () => (await tempFiles(folder.path)).length > 0);
    await using _other = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
    await sending.write(body.subarray(2_000_000));
    sending.end();
    assert.equal(await sending.status, 201);
    assert.deepEqual(await download(server.url, hash), body);
  });

  test('what was acknowledged is there after the server is killed (F2)', async () => {
    await using own = await openTempFolder();
    const first = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    const bodies = new Map(Array.from({ length: 50 }, () => [freshHash(), randomBytes(5_000)]));
    for (const [hash, body] of bodies) assert.equal(await upload(first.url, hash, body), 201);
    await first.end('SIGKILL');
    await using second = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    for (const [hash, body] of bodies) assert.deepEqual(await download(second.url, hash), body);
  });

  for (const ending of ['FIN', 'RST'] as const) {
    test(`a body cut before its announced length by ${ending} is not stored, and its room is freed (F7)`, async () => {
      const hash = freshHash();
      const { url, headers } = await grantUpload(server.url, hash);
      const socket = await openSocket(server.url);
      socket.write(head(url, headers, ['Content-Length: 1000000']));
      socket.write(randomBytes(500_000));
      await until(async () => (await tempFiles(folder.path)).length > 0);
      if (ending === 'FIN') socket.end();
      else socket.resetAndDestroy();
      await until(async () => (await tempFiles(folder.path)).length === 0);
      socket.destroy();
      await negotiate(server.url, { hash, action: 'download' }, 'missing');
    });
  }

  test('a chunked body cut before its last chunk is not stored (F8)', async () => {
    const hash = freshHash();
    const { url, headers } = await grantUpload(server.url, hash);
    const socket = await openSocket(server.url);
    socket.write(head(url, headers, ['Transfer-Encoding: chunked']));
    socket.write('5\r\nhello\r\n6\r\n world\r\n');
    await until(async () => (await tempFiles(folder.path)).length > 0);
    socket.end();
    await until(async () => (await tempFiles(folder.path)).length === 0);
    await negotiate(server.url, { hash, action: 'download' }, 'missing');

    const whole = head(url, headers, ['Transfer-Encoding: chunked', 'Connection: close']);
    assert.match(await sendRaw(server.url, `${whole}5\r\nhello\r\n0\r\n\r\n`), /^HTTP\/1.1 201 /);
    assert.equal((await download(server.url, hash))?.toString(), 'hello');
  });

  test('bytes beyond Content-Length are never part of the artifact (F9)', async () => {
    const hash = freshHash();
    const { url, headers } = await grantUpload(server.url, hash);
    const socket = await openSocket(server.url);
    socket.write(`${head(url, headers, ['Content-Length: 5'])}helloEXCESS BYTES\r\n\r\n`);
    const answers = await readAll(socket);
    assert.match(
      answers,
      /HTTP\/1.1 400 /,
      'the excess is a malformed request of its own, and ends the connection',
    );
    await until(async () => (await tempFiles(folder.path)).length === 0);
    assert.ok(['hello', undefined].includes((await download(server.url, hash))?.toString()));
  });

  test('a body above the limit is 413, announced or chunked, and not stored', async () => {
    await using own = await openTempFolder();
    await using small = await ServerProcess.start({ VC_LOCAL_ROOT: own.path, VC_ARTIFACT_MAX_SIZE: '1MiB' });
    const hash = freshHash();
    assert.equal(await upload(small.url, hash, Buffer.alloc(2 ** 20 + 1)), 413);
    const { url, headers } = await grantUpload(small.url, hash);
    const sending = slowUpload(url, { ...headers, 'transfer-encoding': 'chunked' });
    await sending.write(Buffer.alloc(2 ** 20));
    await sending.write(Buffer.alloc(1));
    assert.equal(await sending.status, 413);
    sending.cut();
    await until(async () => (await tempFiles(own.path)).length === 0);
    assert.equal(await upload(small.url, hash, Buffer.alloc(2 ** 20)), 201);
  });

  test('the loser of a race is told 412, whether the winner came before or during its upload', async () => {
    const hash = freshHash();
    const [one, two] = [await grantUpload(server.url, hash), await grantUpload(server.url, hash)];
    const during = slowUpload(one.url, { ...one.headers, 'content-length': WHOLE_LENGTH });
    await during.write(HALF);
    await until(async () => (await tempFiles(folder.path)).length > 0);
    assert.equal((await fetch(two.url, { method: 'PUT', headers: two.headers, body: 'winner' })).status, 201);
    await during.write(HALF);
    during.end();
    assert.equal(await during.status, 412);
    const late = await fetch(two.url, { method: 'PUT', headers: two.headers, body: 'replayed' });
    assert.equal(late.status, 412);
    assert.equal(((await late.json()) as { code: string }).code, 'ALREADY_STORED');
    assert.equal((await download(server.url, hash))?.toString(), 'winner');
  });

  test('a client that sends everything before it reads still gets to see its 412', async () => {
    const hash = freshHash();
    const { url, headers } = await grantUpload(server.url, hash);
    await upload(server.url, hash, Buffer.from('first'));
    const body = randomBytes(20_000_000);
    const reply = await fetch(url, { method: 'PUT', headers, body });
    assert.equal(reply.status, 412);
  });
});

describe('stored bytes that went bad (F10)', () => {
  const damage: Record<string, (path: string) => Promise<void>> = {
    'one bit flipped in the body': (path) => flipByte(path, 100),
    'one bit flipped in the facts': async (path) => flipByte(path, -40),
    'cut short': (path) => truncate(path, 1_000),
    emptied: (path) => truncate(path, 0),
    'filled with zeros': async (path) => writeFile(path, Buffer.alloc(5_300)),
  };
  for (const [what, doDamage] of Object.entries(damage)) {
    test(`an artifact ${what} is a miss, is removed and counted, and its key can be stored anew`, async () => {
      const hash = freshHash();
      const path = blobPath(folder.path, hash);
      const before = await damagedCount();
      await upload(server.url, hash, randomBytes(5_000));
      await doDamage(path);
      assert.equal(await download(server.url, hash), undefined);
      await assert.rejects(access(path), { code: 'ENOENT' });
      assert.equal((await damagedCount()) - before, 1);
      const body = randomBytes(5_000);
      assert.equal(await upload(server.url, hash, body), 201);
      assert.deepEqual(await download(server.url, hash), body);
    });
  }

  test('a large artifact with a flipped bit is never delivered whole, and then is a miss', async () => {
    const hash = freshHash();
    await upload(server.url, hash, randomBytes(5_000_000));
    await flipByte(blobPath(folder.path, hash), 2_500_000);
    const { url } = await negotiate(server.url, { hash, action: 'download' }, 'found');
    await assert.rejects(async () => (await fetch(url)).arrayBuffer(), 'the body breaks off before its end');
    assert.equal(await download(server.url, hash), undefined);
  });

  test('a file under another key’s name is not that key’s artifact', async () => {
    const [one, two] = [freshHash(), freshHash()];
    await upload(server.url, one, Buffer.from('the body of one'));
    await rename(blobPath(folder.path, one), blobPath(folder.path, two));
    assert.equal(await download(server.url, two), undefined);
  });

  test('files the store did not write are left alone and change nothing', async () => {
    const stray = join(folder.path, 'store-v1', 'objects', 'README.txt');
    await writeFile(stray, 'hello');
    assert.equal(await upload(server.url, freshHash(), Buffer.from('x')), 201);
    await access(stray);
  });

  async function damagedCount(): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith('vc_storage_damaged_total{'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
});

describe('signed URLs (A19)', () => {
  test('an upload URL opens one key, once, on its terms, and nothing else', async () => {
    const [hash, other] = [freshHash(), freshHash()];
    const body = Buffer.from('0123456789');
    const { url, headers } = await grantUpload(server.url, hash, { digest: digestOf(body), size: 10 });
    const put = (target: string, change: RequestInit = {}) =>
      fetch(target, { method: 'PUT', headers, body, ...change });
    const { 'if-none-match': _, ...withoutCondition } = headers;
    const drop = (name: string): string => {
      const altered = new URL(url);
      altered.searchParams.delete(name);
      return altered.href;
    };
    const set = (name: string, value: string): string => {
      const altered = new URL(url);
      altered.searchParams.set(name, value);
      return altered.href;
    };
    const attempts: [string, Promise<Response>][] = [
      ['another key', put(url.replace(hash, other))],
      ['the condition header dropped', put(url, { headers: withoutCondition })],
      ['the condition dropped from the URL', put(drop('if'))],
      ['the size dropped', put(drop('size'))],
      [
        'another size',
        put(set('size', '11'), { body: Buffer.alloc(11), headers: { ...headers, 'content-length': '11' } }),
      ],
      [
        'a longer body',
        put(url, { body: Buffer.alloc(11), headers: { ...headers, 'content-length': '11' } }),
      ],
      ['the digest dropped', put(drop('sha256'))],
      ['a later expiry', put(set('exp', '9999999999'))],
      ['no signature', put(drop('sig'))],
      ['an empty signature', put(set('sig', ''))],
      ['the signature cut', put(url.slice(0, -1))],
      ['an extra parameter', put(`${url}&admin=1`)],
      ['a parameter twice', put(`${url}&exp=1`)],
      ['GET', fetch(url)],
      ['HEAD', fetch(url, { method: 'HEAD' })],
    ];
    for (const [what, reply] of attempts) assert.equal((await reply).status, 403, what);
    for (const method of ['DELETE', 'POST', 'PATCH']) {
      assert.equal((await fetch(url, { method, headers })).status, 405, method);
    }
    const { 'content-length': __, ...unannounced } = headers;
    const longer = slowUpload(url, { ...unannounced, 'transfer-encoding': 'chunked' });
    await longer.write(Buffer.alloc(11));
    longer.end();
    assert.equal(await longer.status, 400, 'a longer body without a length');

    await negotiate(server.url, { hash, action: 'download' }, 'missing');
    await negotiate(server.url, { hash: other, action: 'download' }, 'missing');
    assert.equal((await put(url)).status, 201);
    assert.equal((await put(url)).status, 412, 'replayed');
  });

  test('a download URL opens one key for reading and is refused once it has expired', async () => {
    const hash = freshHash();
    await upload(server.url, hash, Buffer.from('brief'));
    await using brief = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path, VC_URL_TTL: '1s' });
    const { url } = await negotiate(brief.url, { hash, action: 'download' }, 'found');
    assert.equal(
      (await fetch(url, { method: 'PUT', body: 'x', headers: { 'if-none-match': '*' } })).status,
      403,
    );
    const expiry = Number(new URL(url).searchParams.get('exp')) * 1000;
    await until(async () => Date.now() > expiry);
    const reply = await fetch(url);
    assert.equal(reply.status, 403);
    assert.equal(((await reply.json()) as { code: string }).code, 'URL_EXPIRED');
  });

  test('servers with the same token open each other’s URLs, with another token they do not', async () => {
    const hash = freshHash();
    await upload(server.url, hash, Buffer.from('shared'));
    const { url } = await negotiate(server.url, { hash, action: 'download' }, 'found');
    await using replica = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
    await using stranger = await ServerProcess.start({
      VC_LOCAL_ROOT: folder.path,
      VC_AUTH_TOKEN: 'another-token',
    });
    assert.equal(await (await fetch(url.replace(server.url, replica.url))).text(), 'shared');
    assert.equal((await fetch(url.replace(server.url, stranger.url))).status, 403);
  });
});

test('no spelling of a key reaches outside the store (A6)', async () => {
  const outside = join(folder.path, 'outside.txt');
  await writeFile(outside, 'outside');
  const paths = [
    '../outside.txt',
    '..%2foutside.txt',
    '%2e%2e/outside.txt',
    '%2e%2e%2foutside.txt',
    '%252e%252e%252foutside.txt',
    'objects/../../outside.txt',
    'objects/%2e%2e/%2e%2e/outside.txt',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    '//etc/passwd',
    'objects//x',
    'objects/',
    '',
    '.',
    '..',
    'a%00b',
    'a%5c..%5cb',
    'a\\..\\b',
    'C:%5cx',
    '%ff%fe',
    '%',
    '%zz',
    `a${'x'.repeat(5_000)}`,
    'objects/%e2%80%ae',
    'a%0ab',
    'a%7fb',
  ];
  for (const path of paths) {
    for (const method of ['GET', 'PUT']) {
      const request = `${method} /v1/proxy/blob/${path}?exp=9999999999&sig=x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      const [status] = /(?<= )\d{3}/.exec(await sendRaw(server.url, request)) ?? ['none'];
      assert.ok(['400', '403', '404', '414', '431'].includes(status), `${method} ${path} → ${status}`);
      assert.notEqual(status, '200');
    }
  }
  assert.deepEqual((await readdir(folder.path)).sort(), ['outside.txt', 'store-v1', 'store-v1-tmp']);
});

describe('ranges', () => {
  test('a part is 206, outside is 416, and what is not one range is the whole', async () => {
    const hash = freshHash();
    await upload(server.url, hash, Buffer.from('0123456789'));
    const { url } = await negotiate(server.url, { hash, action: 'download' }, 'found');
    const get = async (range: string) => {
      const reply = await fetch(url, { headers: { range } });
      return [
        reply.status,
        reply.headers.get('content-range'),
        reply.status === 416 ? '' : await reply.text(),
      ];
    };
    assert.deepEqual(await get('bytes=2-4'), [206, 'bytes 2-4/10', '234']);
    assert.deepEqual(await get('bytes=-3'), [206, 'bytes 7-9/10', '789']);
    assert.deepEqual(await get('bytes=8-99'), [206, 'bytes 8-9/10', '89']);
    assert.deepEqual(await get('bytes=10-'), [416, 'bytes */10', '']);
    assert.deepEqual(await get('bytes=0-1,3-4'), [200, null, '0123456789']);
    assert.deepEqual(await get('lines=1-2'), [200, null, '0123456789']);
    const head = await fetch(url, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '10');
    assert.equal(head.headers.get('etag'), `"${digestOf('0123456789')}"`);
    assert.equal(head.headers.get('accept-ranges'), 'bytes');
  });
});

test('damage that a client tells of is looked at, removed and counted once, and asked for is a miss (F10)', async () => {
  await using own = await openTempFolder();
  await using telling = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
  for (const size of [10_000, 3_000_000]) {
    const hash = freshHash();
    await upload(telling.url, hash, randomBytes(size));
    const path = blobPath(own.path, hash);
    const stored = await readFile(path);
    stored.writeUInt8(stored.readUInt8(100) ^ 1, 100);
    await writeFile(path, stored);
    await Promise.all([1, 2, 3].map(() => negotiate(telling.url, { hash, action: 'verify' }, 'missing')));
    await assert.rejects(access(path));
  }
  const metrics = await (await fetch(`${telling.url}/metrics`)).text();
  assert.match(metrics, /^vc_storage_damaged_total\{.*reason="digest-mismatch".*\} 2$/m);
  assert.doesNotMatch(metrics, /^vc_cache_(hits|misses)_total\{.*\} [1-9]/m, 'it is no lookup of its own');
});

test('a range that covers the whole of a damaged artifact is the miss that the whole is (F10)', async () => {
  for (const size of [10_000, 3_000_000]) {
    const hash = freshHash();
    const body = randomBytes(size);
    await upload(server.url, hash, body);
    const path = blobPath(folder.path, hash);
    const stored = await readFile(path);
    stored.writeUInt8(stored.readUInt8(100) ^ 1, 100);
    await writeFile(path, stored);
    const { url } = await negotiate(server.url, { hash, action: 'download' }, 'found');
    for (const range of ['bytes=0-', `bytes=0-${size - 1}`, `bytes=-${size}`]) {
      const got = await fetch(url, { headers: { range } })
        .then(
          async (reply) => (reply.ok ? Buffer.from(await reply.arrayBuffer()) : reply.status),
          () => 'cut',
        )
        .catch(() => 'cut');
      assert.ok(got === 404 || got === 'cut', `${range} → ${got}`);
    }
    assert.equal(await download(server.url, hash), undefined);
  }
});

describe('starting and stopping', () => {
  test('SIGTERM lets 20 transfers finish, refuses new ones and exits 0 (F25)', async () => {
    await using own = await openTempFolder();
    await using draining = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    const uploads = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const hash = freshHash();
        const { url, headers } = await grantUpload(draining.url, hash);
        const sending = slowUpload(url, { ...headers, 'content-length': WHOLE_LENGTH });
        await sending.write(HALF);
        return { hash, sending };
      }),
    );
    await until(async () => (await tempFiles(own.path)).length === 20);
    draining.child.kill('SIGTERM');
    await until(async () =>
      fetch(`${draining.url}/health`).then(
        () => false,
        () => true,
      ),
    );
    for (const { sending } of uploads) {
      await sending.write(HALF);
      sending.end();
    }
    assert.deepEqual(
      new Set(await Promise.all(uploads.map(({ sending }) => sending.status))),
      new Set([201]),
    );
    assert.equal(await draining.ended(), 0);

    await using again = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    for (const { hash } of uploads) assert.equal((await download(again.url, hash))?.length, 2 * HALF.length);
  });

  test('an address that cannot be decoded, right behind an upload, does not end a draining server', async () => {
    await using own = await openTempFolder();
    await using draining = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    const hash = freshHash();
    const { url, headers } = await grantUpload(draining.url, hash);
    const socket = await openSocket(draining.url);
    socket.write(head(url, headers, [`Content-Length: ${WHOLE_LENGTH}`]));
    socket.write(HALF);
    await until(async () => (await tempFiles(own.path)).length === 1);
    draining.child.kill('SIGTERM');
    await until(async () => draining.log.some(({ message }) => message === 'draining'));
    socket.write(`${HALF}GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n`);
    const statuses = (await readAll(socket)).match(/(?<=^HTTP\/1\.1 )\d{3}/gm);
    assert.deepEqual(statuses, ['201', '400']);
    assert.equal(await draining.ended(), 0);
  });

  test('with a drain delay, readiness says 503 while requests are still answered', async () => {
    await using own = await openTempFolder();
    await using draining = await ServerProcess.start({ VC_LOCAL_ROOT: own.path, VC_DRAIN_DELAY: '1h' });
    draining.child.kill('SIGTERM');
    await until(async () => (await fetch(`${draining.url}/ready`)).status === 503);
    assert.equal((await fetch(`${draining.url}/health`)).status, 200);
    assert.equal((await postNegotiate(draining.url, { hash: freshHash(), action: 'download' })).status, 200);
    assert.equal(await draining.end('SIGTERM'), 0, 'the second signal does not wait');
  });

  test('a transfer that outlives the grace time, or a second signal, is cut and leaves nothing', async () => {
    for (const [env, second] of [
      [{ VC_DRAIN_TIMEOUT: '100ms' }, false],
      [{}, true],
    ] as const) {
      await using own = await openTempFolder();
      await using draining = await ServerProcess.start({ VC_LOCAL_ROOT: own.path, ...env });
      const { url, headers } = await grantUpload(draining.url, freshHash());
      const sending = slowUpload(url, { ...headers, 'content-length': WHOLE_LENGTH });
      await sending.write(HALF);
      await until(async () => (await tempFiles(own.path)).length === 1);
      draining.child.kill('SIGTERM');
      if (second) {
        await until(async () => draining.log.some(({ message }) => message === 'draining'));
        draining.child.kill('SIGTERM');
      }
      await assert.rejects(sending.status);
      assert.equal(await draining.ended(), 0);
      assert.deepEqual(await tempFiles(own.path), []);
    }
  });

  test('a storage that stops working turns readiness off and answers 503, and reads a miss nowhere', async () => {
    await using own = await openTempFolder();
    await using ailing = await ServerProcess.start({ VC_LOCAL_ROOT: own.path });
    await rm(join(own.path, 'store-v1-tmp'), { recursive: true });
    assert.equal((await fetch(`${ailing.url}/ready`)).status, 503);
    assert.equal((await fetch(`${ailing.url}/health`)).status, 200);
    assert.equal(await upload(ailing.url, freshHash(), Buffer.from('x')), 503);
  });

  test('a start that cannot work says why and how to mend it', async () => {
    await using own = await openTempFolder();
    const file = join(own.path, 'a-file');
    await writeFile(file, '');
    const taken = new URL(server.url).port;
    const cases: [Record<string, string>, RegExp][] = [
      [{ VC_AUTH_TOKEN: '' }, /VC_AUTH_TOKEN: is not set.*openssl rand/s],
      [{ VC_AUTH_TOKN: 'x' }, /VC_AUTH_TOKN: there is no such setting \(did you mean "VC_AUTH_TOKEN"\?\)/],
      [{ VC_PORT: 'eighty' }, /VC_PORT.*expected a port between 0 and 65535, found "eighty"/],
      [{ VC_STORAGE_DRIVER: 'gcs' }, /gcs driver needs a bucket: set VC_GCS_BUCKET/],
      [{ VC_STORAGE_DRIVER: 'azure' }, /azure driver needs a container: set VC_AZURE_CONTAINER/],
      [{ VC_STORAGE_DRIVER: 's3' }, /set VC_S3_BUCKET/],
      [{ VC_STORAGE_DRIVER: 'ftp' }, /expected "local" or "s3" or "gcs" or "azure", found "ftp"/],
      [{ VC_LOCAL_ROOT: file }, /Could not open the folder/],
      [{ VC_LOCAL_ROOT: '/proc/nope' }, /Could not open the folder \/proc\/nope/],
      [{ VC_LOCAL_ROOT: own.path, VC_PORT: taken }, /another program listens there. Set VC_HOST or VC_PORT/],
      [{ VC_AUTH_TOKEN: '', VC_AUTH_TOKEN_FILE: join(own.path, 'none') }, /VC_AUTH_TOKEN_FILE: cannot read/],
    ];
    for (const [env, expected] of cases) {
      await assert.rejects(ServerProcess.start({ VC_LOCAL_ROOT: join(own.path, 'data'), ...env }), {
        message: expected,
      });
    }
  });

  test('a token read from a file is the token', async () => {
    await using own = await openTempFolder();
    const tokenFile = join(own.path, 'token');
    await writeFile(tokenFile, 'from-a-file\n');
    const env = { VC_LOCAL_ROOT: join(own.path, 'data'), VC_AUTH_TOKEN: '', VC_AUTH_TOKEN_FILE: tokenFile };
    await using filed = await ServerProcess.start(env);
    const reply = await postNegotiate(filed.url, { hash: freshHash(), action: 'download' }, 'from-a-file');
    assert.equal(reply.status, 200);
  });
});

/** Inverts one bit; a negative offset counts from the end. */
async function flipByte(path: string, offset: number): Promise<void> {
  await chmod(path, 0o644);
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  const position = offset < 0 ? size + offset : offset;
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8(0) ^ 1);
  await file.write(byte, 0, 1, position);
  await file.close();
}
