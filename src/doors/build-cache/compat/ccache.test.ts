import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { CompatServer, NO_CACHE } from '../../../../test/rig/compat-server.ts';

let server: CompatServer;
before(async () => {
  server = await CompatServer.start();
});
after(() => server[Symbol.asyncDispose]());

function freshKey(): string {
  return randomBytes(20).toString('hex');
}

const flat = (key: string): string => `/ccache/${key}`;
const subdirs = (key: string): string => `/ccache/${key.slice(0, 2)}/${key.slice(2)}`;
const bazel = (key: string): string => `/ccache/ac/${key}${key.slice(0, 24)}`;

/** As ccache writes them: magic, version of the format, type. */
const result = (text: string): Buffer => Buffer.concat([Buffer.from('ccac0100', 'hex'), Buffer.from(text)]);
const manifest = (text: string): Buffer => Buffer.concat([Buffer.from('ccac0101', 'hex'), Buffer.from(text)]);

async function read(path: string, token?: string): Promise<Buffer | number> {
  const answer = await server.fetch(path, {}, token);
  return answer.status === 200 ? Buffer.from(await answer.arrayBuffer()) : answer.status;
}

test('one key is one entry in every layout, at the root and below its tenant', async () => {
  const layouts = [flat, subdirs, bazel];
  for (const write of layouts) {
    const key = `ac${freshKey().slice(2)}`; // begins as the layout of Bazel does
    assert.equal((await server.put(write(key), result('x'))).status, 200);
    for (const layout of layouts)
      for (const prefix of ['', '/t/default'])
        assert.deepEqual(await read(prefix + layout(key)), result('x'));
    assert.equal((await server.fetch(flat(key), { method: 'HEAD' })).headers.get('content-length'), '5');
  }
});

for (const path of [
  '/ccache/',
  '/ccache/abc',
  '/ccache/ab/c',
  `/ccache/abc/${'d'.repeat(37)}`,
  `/ccache/a/${'b'.repeat(39)}`,
  `/ccache/ab%2F${'c'.repeat(38)}`,
  `/ccache/${'A'.repeat(40)}`,
])
  test(`${path} is no key and nothing is stored there`, async () => {
    const before = await server.keys();
    assert.ok([400, 404].includes((await server.put(path, result('x'))).status));
    assert.deepEqual(await server.keys(), before);
  });

describe('write once', () => {
  test('the first result stays, and the second is answered like it', async () => {
    const key = freshKey();
    for (const text of ['first', 'second'])
      assert.equal((await server.put(subdirs(key), result(text))).status, 200);
    assert.deepEqual(await read(subdirs(key)), result('first'));
  });

  test('a manifest is replaced by a manifest: it lists what was included, and grows', async () => {
    const key = freshKey();
    for (const text of ['one', 'one and two']) await server.put(subdirs(key), manifest(text));
    assert.deepEqual(await read(subdirs(key)), manifest('one and two'));
  });

  test('a result gives way to no manifest, and a manifest to no result', async () => {
    for (const [first, second] of [
      [result('r'), manifest('m')],
      [manifest('m'), result('r')],
    ] as const) {
      const key = freshKey();
      for (const body of [first, second]) await server.put(flat(key), body);
      assert.deepEqual(await read(flat(key)), first);
    }
  });

  test('a pull request replaces no manifest of main, for itself neither', async () => {
    const key = freshKey();
    await server.put(flat(key), manifest('of main'));
    assert.equal((await server.put(flat(key), manifest('of a pull request'), 'pull-request')).status, 200);
    for (const token of ['main', 'pull-request'])
      assert.deepEqual(await read(flat(key), token), manifest('of main'));
  });

  test('a token that writes nothing is 403', async () => {
    assert.equal((await server.put(flat(freshKey()), manifest('m'), 'developer')).status, 403);
  });
});

describe('deleting', () => {
  test('an admin takes an entry away, on record before it is done', async () => {
    const key = freshKey();
    await server.put(flat(key), result('x'), 'admin');
    assert.equal((await server.fetch(bazel(key), { method: 'DELETE' }, 'admin')).status, 204);
    assert.equal(await read(flat(key)), 404);
    assert.equal((await server.fetch(flat(key), { method: 'DELETE' }, 'admin')).status, 404);
    const [begun, done, , absent] = server.audited.filter((event) => event.key === `ccache/${key}`);
    assert.deepEqual(
      [begun?.who, begun?.action, begun?.result, begun?.address],
      ['admin', 'delete', 'begun', '127.0.0.1'],
    );
    assert.deepEqual([done?.result, absent?.result], ['done', 'absent']);
  });

  for (const token of ['main', 'pull-request', 'developer'])
    test(`a ${token} token is 403, which is on record, and nothing is gone`, async () => {
      const key = freshKey();
      await server.put(flat(key), result('x'));
      assert.equal((await server.fetch(flat(key), { method: 'DELETE' }, token)).status, 403);
      assert.deepEqual(await read(flat(key)), result('x'));
      const events = server.audited.filter((event) => event.key.endsWith(`ccache/${key}`));
      assert.deepEqual(
        events.map(({ who, result: what }) => [who, what]),
        [[token, 'refused']],
      );
    });

  test('a token without the right to the cache is 403, which is on record too', async () => {
    const path = flat(freshKey());
    assert.equal((await server.fetch(path, { method: 'DELETE' }, NO_CACHE)).status, 403);
    assert.deepEqual(
      server.audited
        .filter(({ key }) => key === path)
        .map(({ who, action, result: what }) => [who, action, what]),
      [[NO_CACHE, 'delete', 'refused']],
    );
    assert.equal((await server.fetch(path, {}, NO_CACHE)).status, 403);
    assert.equal(server.audited.filter(({ key }) => key === path).length, 1);
  });

  test('nothing is done that cannot be put on record', async () => {
    await using closed = await CompatServer.start({ auditFails: true });
    const key = freshKey();
    await closed.put(flat(key), result('x'));
    assert.equal((await closed.fetch(flat(key), { method: 'DELETE' }, 'admin')).status, 503);
    assert.equal((await closed.fetch(flat(key))).status, 200);
  });
});
