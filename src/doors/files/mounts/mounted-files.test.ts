import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { MountsServer } from '../../../../test/rig/mounts-server.ts';
import { StubStore } from '../../../../test/rig/stub-store.ts';
import { digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { bucketObject } from '../../../buckets/bucket-object.ts';
import type { WriteOptions } from '../../../buckets/object-writes.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';
import type { Got, ListedObject, ListOptions, ObjectFacts } from '../../../storage/store.ts';
import { parseMountPath } from './mount.ts';
import type { ConfiguredMount } from './mount-table.ts';

function configured(path: string, store: string, prefix = ''): ConfiguredMount {
  return { name: path.replaceAll('/', '-'), path: parseMountPath(path), store, prefix };
}

const PLAIN: WriteOptions = { sizeBytes: undefined, contentType: undefined, fields: {}, ifAbsent: false };

function streamOf(text: string): Readable {
  return Readable.from([Buffer.from(text)], { objectMode: false });
}

const FACTS: ObjectFacts = {
  ...{ sizeBytes: 5, etag: 'e', modifiedAt: 0, digest: undefined, contentType: undefined, metadata: {} },
};

/** `m` is the store `media` below `pre/`; `o`, `frozen` and `both` are the stores of these names, `deep/in` is a part of the other. */
const MOUNTS = [
  configured('m', 'media', 'pre/'),
  configured('o', 'other'),
  configured('frozen', 'frozen'),
  configured('both', 'both'),
  configured('deep/in', 'other', 'in/'),
];

async function start(files: Readonly<Record<string, string>> = {}): Promise<MountsServer> {
  const server = await MountsServer.start({ configured: MOUNTS });
  for (const [path, body] of Object.entries(files))
    assert.equal((await server.send('PUT', `/files/${path}`, body)).status, 201, path);
  return server;
}

async function outcome(server: MountsServer, method: string, path: string): Promise<string> {
  const { status, json } = await server.send(method, `/files/${path}`);
  return `${status} ${json['code'] ?? ''}`.trim();
}

async function read(server: MountsServer, path: string): Promise<string> {
  const { status, text } = await server.send('GET', `/files/${path}`);
  return status === 200 ? text : String(status);
}

/** What a folder's listing has, folders with a slash behind them. */
async function names(server: MountsServer, path: string): Promise<string[] | undefined> {
  const { json } = await server.send('GET', `/files/${path}`);
  const entries = json['entries'] as { readonly name: string; readonly type: string }[] | undefined;
  return entries?.map(({ name, type }) => (type === 'folder' ? `${name}/` : name)).sort();
}

function objectIn(server: MountsServer, store: string, key: string) {
  const bucket = server.objects.buckets.get(store);
  assert.ok(bucket);
  return bucketObject(bucket, parseObjectKey(key));
}

test('a file that is written on a mount is an object of its store, under its prefix, and is read from there', async () => {
  await using server = await start({ 'm/a/b.txt': 'hello' });
  assert.equal((await server.objects.headInBucket(objectIn(server, 'media', 'pre/a/b.txt')))?.sizeBytes, 5);
  const got = await server.send('GET', '/files/m/a/b.txt');
  assert.deepEqual([got.status, got.text], [200, 'hello']);
  assert.match(got.headers.get('content-type') ?? '', /text\/plain/);
  assert.match(got.headers.get('cache-status') ?? '', /hit; detail=memory/);
  const put = await server.send('PUT', '/files/m/a/b.txt', 'again');
  assert.deepEqual(put.json, { path: 'm/a/b.txt', size: 5, sha256: digestOf('again') });
  assert.equal(put.status, 200);
  const etag = (await server.send('HEAD', '/files/m/a/b.txt')).headers.get('etag');
  assert.equal(put.headers.get('etag'), etag);
  assert.equal(await read(server, 'm/a/b.txt'), 'again');
});

test('a part, a condition and a head are answered as of any file', async () => {
  await using server = await start({ 'm/a': '0123456789' });
  const get = (headers: Record<string, string>, method = 'GET') =>
    server.fetch('/files/m/a', { method, headers });
  const part = await get({ range: 'bytes=2-4' });
  assert.deepEqual([part.status, part.text], [206, '234']);
  assert.equal((await get({ range: 'bytes=20-' })).status, 416);
  const etag = part.headers.get('etag') ?? '';
  assert.equal((await get({ 'if-none-match': etag })).status, 304);
  assert.equal((await get({ 'if-match': '"other"' })).status, 412);
  const head = await get({}, 'HEAD');
  assert.deepEqual([head.status, head.text, head.headers.get('content-length')], [200, '', '10']);
});

test('a write may be the first alone, or that of a version alone', async () => {
  await using server = await start({ 'm/a': 'one' });
  const put = async (headers: Record<string, string>, body: string) =>
    (await server.fetch('/files/m/a', { method: 'PUT', headers, body })).status;
  assert.equal(await put({ 'if-none-match': '*' }, 'two'), 412);
  assert.equal(await put({ 'if-match': '"other"' }, 'two'), 412);
  const etag = (await server.send('HEAD', '/files/m/a')).headers.get('etag') ?? '';
  assert.equal(await put({ 'if-match': etag }, 'two'), 200);
  assert.equal(await read(server, 'm/a'), 'two');
});

test('a store that keeps what it holds is neither overwritten nor deleted from', async () => {
  await using server = await start({ 'frozen/a': 'x' });
  for (const method of ['PUT', 'DELETE'])
    assert.equal(await outcome(server, method, 'frozen/a'), '409 IMMUTABLE');
  assert.equal(await outcome(server, 'POST', 'frozen/a?move_to=o/a'), '409 IMMUTABLE');
  assert.equal(await read(server, 'o/a'), '404', 'it is refused before it is copied');
});

test('a body that is too large is refused, and nothing of it is stored', async () => {
  await using server = await start();
  const body = 'x'.repeat(1024 * 1024 + 1);
  assert.equal((await server.send('PUT', '/files/m/a', body)).status, 413);
  assert.equal(await read(server, 'm/a'), '404');
});

test('what lies below a prefix is a folder', async () => {
  await using server = await start({
    'm/a/x': '1',
    'm/a/y/z': '2',
    'm/a-b': '3',
    'm/a.txt': '4',
    'o/q': '5',
  });
  assert.deepEqual(await names(server, 'm'), ['a-b', 'a.txt', 'a/']);
  assert.deepEqual(await names(server, 'm/a'), ['x', 'y/']);
  assert.deepEqual(await names(server, 'm/a/'), ['x', 'y/']);
  assert.equal(await outcome(server, 'GET', 'm/none'), '404 NOT_FOUND');
  assert.equal(await outcome(server, 'HEAD', 'm/a'), '200');
  assert.deepEqual(await names(server, 'both'), ['pre/'], 'a mount is a folder whatever is in it');
});

test('a mount that holds nothing is an empty folder', async () => {
  await using server = await start();
  assert.deepEqual(await names(server, 'frozen'), []);
});

test('of a path that is both, a slash at its end asks for the folder', async () => {
  await using server = await start({ 'm/a': 'file', 'm/a/b': 'below' });
  assert.equal(await read(server, 'm/a'), 'file');
  assert.deepEqual(await names(server, 'm/a/'), ['b']);
  assert.deepEqual(await names(server, 'm'), ['a', 'a/']);
});

test('a mount in another is listed in it, and hides what the outer store has there', async () => {
  await using server = await MountsServer.start({
    configured: [configured('m', 'media'), configured('m/in/deep', 'other')],
  });
  await server.send('PUT', '/files/m/a', '1');
  assert.deepEqual(await names(server, 'm'), ['a', 'in/']);
  assert.deepEqual(await names(server, 'm/in'), ['deep/']);
  await server.objects.write(objectIn(server, 'media', 'in/deep'), streamOf('hidden'), PLAIN);
  assert.deepEqual(await names(server, 'm/in'), ['deep/']);
  assert.equal(await outcome(server, 'DELETE', 'm/in'), '409 PATH_CONFLICT');
  assert.equal(await outcome(server, 'POST', 'm/in?copy_to=m/x'), '409 PATH_CONFLICT');
});

/** As many objects in a folder, and two beside it; tells where listings began. */
class LargeStore extends StubStore {
  readonly begun: (string | undefined)[] = [];
  readonly #keys: readonly string[];

  constructor(inFolder: number) {
    super();
    const inside = Array.from({ length: inFolder }, (_, n) => `big/${String(n).padStart(6, '0')}`);
    this.#keys = ['a', ...inside, 'big/\u{10ffff}', 'big0', 'z'];
  }

  override async *list({ prefix, after }: ListOptions = { prefix: '' }): AsyncIterable<ListedObject> {
    this.begun.push(after);
    for (const key of this.#keys) {
      if (
        !key.startsWith(prefix) ||
        (after !== undefined && Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0)
      )
        continue;
      yield { key: parseObjectKey(key), sizeBytes: 1, modifiedAt: 0 };
    }
  }
}

test('a folder of very many objects is passed over at once, and is listed once', async () => {
  const store = new LargeStore(5000);
  await using server = await MountsServer.start({ configured: [configured('m', 'media')], store });
  assert.deepEqual(await names(server, 'm'), ['a', 'big/', 'big0', 'z']);
  assert.equal(store.begun.length, 2);
  assert.equal((await names(server, 'm/big'))?.length, 5001);
});

test('a delete takes a file, or all that lies in a folder, and nothing beside it', async () => {
  await using server = await start({ 'm/a/x': '1', 'm/a/y/z': '2', 'm/ab': '3', 'm/f': '4' });
  assert.equal(await read(server, 'm/f'), '4');
  assert.equal(await outcome(server, 'DELETE', 'm/f'), '204');
  assert.equal(await read(server, 'm/f'), '404', 'nor is it in a tier');
  assert.equal(await outcome(server, 'DELETE', 'm/a'), '204');
  assert.deepEqual(await names(server, 'm'), ['ab']);
  assert.equal(await outcome(server, 'DELETE', 'm/a'), '404 NOT_FOUND');
});

test('a folder of more objects than one request may work on is left as it is', async () => {
  const store = new LargeStore(10_001);
  await using server = await MountsServer.start({
    configured: [configured('m', 'media'), configured('o', 'other')],
    store,
  });
  assert.equal(await outcome(server, 'DELETE', 'm/big'), '501 NOT_ON_A_MOUNT');
  assert.equal(await outcome(server, 'POST', 'm/big?move_to=o/big'), '501 NOT_ON_A_MOUNT');
  assert.deepEqual(store.deleted, []);
});

test('a delete of another version than is there is refused', async () => {
  await using server = await start({ 'm/a': '1', 'm/b/c': '2' });
  const remove = async (path: string, etag: string) =>
    (await server.fetch(`/files/${path}`, { method: 'DELETE', headers: { 'if-match': etag } })).status;
  assert.equal(await remove('m/a', '"other"'), 412);
  assert.equal(await remove('m/b', '*'), 412, 'a folder has no version');
  const etag = (await server.send('HEAD', '/files/m/a')).headers.get('etag') ?? '';
  assert.equal(await remove('m/a', etag), 204);
});

test('a mount itself is neither written, deleted nor moved', async () => {
  await using server = await start({ 'm/a': '1' });
  assert.equal(await outcome(server, 'PUT', 'm'), '409 PATH_CONFLICT');
  assert.equal(await outcome(server, 'DELETE', 'm'), '409 PATH_CONFLICT');
  assert.equal(await outcome(server, 'DELETE', 'm/'), '409 PATH_CONFLICT');
  assert.equal(await outcome(server, 'POST', 'm?move_to=o/m'), '409 PATH_CONFLICT');
  assert.equal(await outcome(server, 'POST', 'm/a?copy_to=o'), '409 PATH_CONFLICT');
  assert.equal(await read(server, 'm/a'), '1');
});

test('nothing is deleted through stores of which the next would answer for the first', async () => {
  await using server = await start({ 'o/a': '1' });
  assert.equal(await outcome(server, 'DELETE', 'both/a'), '501 NOT_ON_A_MOUNT');
  assert.equal(await read(server, 'o/a'), '1');
});

test('a file is copied and moved within a mount and to another, with what is stored beside it', async () => {
  await using server = await start();
  const headers = { 'content-type': 'text/x-mine', 'cache-control': 'max-age=5' };
  await server.fetch('/files/m/a', { method: 'PUT', body: 'bytes', headers });
  const copied = await server.send('POST', '/files/m/a?copy_to=o/deep/b');
  assert.deepEqual([copied.status, copied.json], [201, { path: 'o/deep/b' }]);
  assert.equal(await outcome(server, 'POST', 'm/a?move_to=m/c'), '201');
  assert.deepEqual(await names(server, 'm'), ['c']);
  for (const path of ['m/c', 'o/deep/b']) {
    const got = await server.send('GET', `/files/${path}`);
    const shown = [got.text, got.headers.get('content-type'), got.headers.get('cache-control')];
    assert.deepEqual(shown, ['bytes', 'text/x-mine', 'max-age=5'], path);
  }
});

test('what is at the target is replaced only where that is asked', async () => {
  await using server = await start({ 'm/a': 'new', 'o/a': 'old', 'frozen/a': 'kept' });
  assert.equal(await outcome(server, 'POST', 'm/a?move_to=o/a'), '409 PATH_CONFLICT');
  assert.deepEqual([await read(server, 'm/a'), await read(server, 'o/a')], ['new', 'old']);
  assert.equal(await outcome(server, 'POST', 'm/a?copy_to=o/a&overwrite'), '200');
  assert.equal(await read(server, 'o/a'), 'new');
  assert.equal(await outcome(server, 'POST', 'm/a?copy_to=frozen/a&overwrite'), '409 IMMUTABLE');
  assert.equal(await outcome(server, 'POST', 'm/a?copy_to=m/a&overwrite'), '409 PATH_CONFLICT');
  assert.equal(await read(server, 'm/a'), 'new');
});

test('nothing is moved onto itself by another name of its store', async () => {
  await using server = await start({ 'o/a': 'only' });
  assert.equal(await outcome(server, 'POST', 'o/a?move_to=both/a&overwrite'), '409 PATH_CONFLICT');
  assert.equal(await read(server, 'o/a'), 'only');
});

test('nothing is deleted that was written anew by its own copy, where two stores are one bucket', async () => {
  const store = new RestlessStore();
  const twice = [configured('m', 'media'), configured('b', 'both')];
  await using server = await MountsServer.start({ configured: twice, store });
  store.isMadeAnew = true;
  assert.equal(await outcome(server, 'POST', 'm/a?move_to=b/a&overwrite'), '409 PATH_BUSY');
  assert.deepEqual(store.deleted, []);
});

test('a folder is copied and moved file by file, to where nothing is', async () => {
  await using server = await start({ 'm/d/x': '1', 'm/d/y/z': '2', 'm/db': '3', 'o/there/q': '4' });
  const copied = await server.send('POST', '/files/m/d?copy_to=o/e');
  assert.deepEqual([copied.status, copied.json['files']], [200, 2]);
  assert.deepEqual([await read(server, 'o/e/x'), await read(server, 'o/e/y/z')], ['1', '2']);
  for (const target of ['o/there', 'm/db', 'm/d/y', 'm/d'])
    assert.equal(await outcome(server, 'POST', `m/d?move_to=${target}`), '409 PATH_CONFLICT', target);
  assert.equal(await outcome(server, 'POST', 'm/d?move_to=m/moved'), '200');
  assert.deepEqual(await names(server, 'm'), ['db', 'moved/']);
  assert.equal(await outcome(server, 'POST', 'm/none?copy_to=o/none'), '404 NOT_FOUND');
});

/** Written by another between what is read of it and the next look. */
class RestlessStore extends StubStore {
  versions = 0;
  /** The same bytes at another time, in place of others. */
  isMadeAnew = false;

  /** `d` is a folder. */
  override async head(key?: string): Promise<ObjectFacts | undefined> {
    return key === 'd' ? undefined : this.#facts();
  }

  override async get(): Promise<Got> {
    const facts = this.#facts();
    this.versions++;
    return { facts, span: 'whole', body: streamOf('hello') };
  }

  override async *list(): AsyncIterable<ListedObject> {
    yield { key: parseObjectKey('d/a'), sizeBytes: 5, modifiedAt: 0 };
  }

  #facts(): ObjectFacts {
    return this.isMadeAnew
      ? { ...FACTS, modifiedAt: this.versions * 1000 }
      : { ...FACTS, etag: `e${this.versions}` };
  }
}

test('what is written while it is moved is not deleted: there is no copy of it', async () => {
  const store = new RestlessStore();
  const configuredHere = [configured('m', 'media'), configured('o', 'other')];
  await using server = await MountsServer.start({ configured: configuredHere, store });
  assert.equal(await outcome(server, 'POST', 'm/a?move_to=o/a'), '409 PATH_BUSY');
  assert.equal(await outcome(server, 'POST', 'm/d?move_to=o/d'), '409 PATH_BUSY');
  assert.deepEqual(store.deleted, []);
  assert.equal(await read(server, 'o/a'), 'hello');
});

test('a copy out of the mounts is told that there is none', async () => {
  await using server = await start({ 'm/a': '1' });
  assert.equal(await outcome(server, 'POST', 'm/a?copy_to=elsewhere/a'), '501 NOT_ON_A_MOUNT');
});

test('a PATCH that names a target moves', async () => {
  await using server = await start({ 'm/a': '1' });
  const moved = await server.send('PATCH', '/files/m/a', { move_to: 'o/b' });
  assert.deepEqual([moved.status, await read(server, 'm/a'), await read(server, 'o/b')], [201, '404', '1']);
});

test('a folder to be made is one as soon as a file is in it', async () => {
  await using server = await start({ 'm/file': '1' });
  assert.equal(await outcome(server, 'POST', 'm/d?mkdir'), '201');
  await server.send('PUT', '/files/m/d/a', 'x');
  assert.equal(await outcome(server, 'POST', 'm/d?mkdir'), '200');
  assert.equal(await outcome(server, 'POST', 'm?mkdir'), '200');
  assert.equal(await outcome(server, 'POST', 'm/file?mkdir'), '409 PATH_CONFLICT');
});

test('facts and digest of a file are to be had, and what there is of a folder', async () => {
  await using server = await start({ 'm/a/b.txt': 'hello' });
  const { json } = await server.send('GET', '/files/m/a/b.txt?stat');
  const { modified, etag, ...facts } = json;
  assert.deepEqual(facts, {
    ...{ path: 'm/a/b.txt', name: 'b.txt', mount: 'm', store: 'media', type: 'file', size: 5 },
    ...{ sha256: digestOf('hello'), content_type: 'text/plain;charset=UTF-8' },
  });
  assert.ok(typeof etag === 'string' && !Number.isNaN(Date.parse(String(modified))));
  assert.equal((await server.send('GET', '/files/m/a?stat')).json['type'], 'folder');
  assert.equal((await server.send('GET', '/files/m?stat')).json['type'], 'folder');
  assert.equal(await outcome(server, 'GET', 'm/none?stat'), '404 NOT_FOUND');
  assert.equal(await read(server, 'm/a/b.txt?hash'), `${digestOf('hello')}\n`);
  for (const path of ['m/a?hash', 'm?hash', 'm/none?hash'])
    assert.equal(await outcome(server, 'GET', path), '404 NOT_FOUND', path);
});

test('a digest that nobody stored is that of the bytes', async () => {
  const store = new StubStore();
  store.facts = FACTS;
  store.got = { facts: FACTS, span: 'whole', body: streamOf('hello') };
  await using server = await MountsServer.start({ configured: [configured('m', 'media')], store });
  assert.equal(await read(server, 'm/a?hash'), `${digestOf('hello')}\n`);
});

test('lines of a file are read from a store as from a folder', async () => {
  await using server = await start({ 'm/a': 'one\ntwo\nthree\n' });
  const lines = await server.send('GET', '/files/m/a?lines=2-3');
  assert.deepEqual([lines.text, lines.headers.get('x-line-range')], ['two\nthree\n', '2-3']);
  assert.equal(await outcome(server, 'GET', 'm/none?lines=1'), '404 NOT_FOUND');
});

test('a listing is a page for whoever would rather have one', async () => {
  await using server = await start({ 'm/a/b': '1' });
  const page = await server.fetch('/files/m', { headers: { accept: 'text/html' } });
  assert.match(page.headers.get('content-type') ?? '', /text\/html/);
  assert.match(page.text, /href="\.\/m\/a\/"/);
  const json = await server.fetch('/files/m?json', { headers: { accept: 'text/html' } });
  assert.deepEqual((json.json['entries'] as { name: string }[])[0]?.name, 'a');
});

test('parameters that mean nothing are refused, and so is a write of a path with a slash at its end', async () => {
  await using server = await start({ 'm/a': '1' });
  for (const method of ['PUT', 'DELETE', 'PATCH'])
    assert.equal(await outcome(server, method, 'm/a?overwrite'), '400 BAD_REQUEST', method);
  assert.equal(await outcome(server, 'PUT', 'm/b/'), '409 PATH_CONFLICT');
  assert.deepEqual(await names(server, 'm'), ['a']);
});

test('what a mount cannot do is refused in words', async () => {
  await using server = await start({ 'm/a': '1' });
  for (const query of ['history', 'diff&from_seq=1', 'at=5', 'hash&at=5', 'revision=1'])
    assert.equal(await outcome(server, 'GET', `m/a?${query}`), '501 NOT_ON_A_MOUNT', query);
  assert.equal(await outcome(server, 'POST', 'm/a?restore_revision=1'), '501 NOT_ON_A_MOUNT');
  const patched = await server.fetch('/files/m/a', {
    ...{ method: 'PATCH', headers: { 'x-update-range': 'append' }, body: 'x' },
  });
  assert.deepEqual([patched.status, patched.json['code']], [501, 'NOT_ON_A_MOUNT']);
  assert.match(String(patched.json['detail']), /written as a whole/);
});

test('a store that fails is told of as such, and counted', async () => {
  const store = new StubStore();
  store.failure = new VelocityError('STORAGE_UNAVAILABLE', 'away');
  await using server = await MountsServer.start({ configured: [configured('m', 'media')], store });
  assert.equal(await outcome(server, 'GET', 'm/a'), '503 STORAGE_UNAVAILABLE');
  const { values } = await server.objects.metrics.upstreamErrors.get();
  assert.deepEqual(values[0]?.labels, { bucket: 'media', kind: 'STORAGE_UNAVAILABLE' });
});

test('a mount whose store is not configured fails, and nothing else is in its place', async () => {
  await using server = await MountsServer.start({ configured: [configured('m', 'gone')] });
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'])
    assert.match(await outcome(server, method, 'm/a'), /^503/, method);
  assert.match(await outcome(server, 'GET', 'm'), /^503/);
});
