import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MountsServer } from '../../../../test/rig/mounts-server.ts';
import { parseMountPath } from './mount.ts';

const MOUNTS = '/api/v1/mounts';
const FIXED = [{ name: 'fixed', path: parseMountPath('fixed'), store: 'other', prefix: '' }];

test('an admin makes, changes and takes away mounts, which whoever reads files sees', async () => {
  await using server = await MountsServer.start();
  const made = await server.send(
    'POST',
    MOUNTS,
    { path: '/ci/cache/', store: 'media', label: 'ci' },
    'admin',
  );
  assert.equal(made.status, 201);
  const { id, made: at, ...shown } = made.json;
  assert.deepEqual(shown, { path: 'ci/cache', store: 'media', prefix: '', label: 'ci', source: 'api' });
  assert.ok(Date.parse(String(at)) > 0);
  assert.equal(made.headers.get('location'), `${MOUNTS}/${id}`);
  assert.deepEqual((await server.send('GET', `${MOUNTS}/${id}`)).json, made.json);

  const changed = await server.send('PATCH', `${MOUNTS}/${id}`, { prefix: 'p', label: null }, 'admin');
  assert.deepEqual([changed.status, changed.json['prefix'], changed.json['label']], [200, 'p/', undefined]);
  assert.deepEqual((await server.send('GET', MOUNTS)).json, { mounts: [changed.json] });

  assert.equal((await server.send('DELETE', `${MOUNTS}/${id}`, undefined, 'admin')).status, 204);
  assert.equal((await server.send('GET', `${MOUNTS}/${id}`)).status, 404);
  assert.equal((await server.send('DELETE', `${MOUNTS}/${id}`, undefined, 'admin')).status, 404);
});

test('a label asks for the mounts that have it', async () => {
  await using server = await MountsServer.start();
  for (const label of ['a', 'b', 'a'])
    await server.send(
      'POST',
      MOUNTS,
      { path: `m${server.mounts.all().length}`, store: 'media', label },
      'admin',
    );
  const paths = async (query: string) =>
    ((await server.send('GET', MOUNTS + query)).json['mounts'] as { path: string }[]).map(({ path }) => path);
  assert.deepEqual(await paths('?label=a'), ['m0', 'm2']);
  assert.deepEqual(await paths('?label=none'), []);
  assert.equal((await server.send('GET', `${MOUNTS}?lable=a`)).status, 400);
});

test('bad terms are refused with the field that is wrong', async () => {
  await using server = await MountsServer.start();
  for (const [body, field] of [
    [{ store: 'media' }, 'path'],
    [{ path: 'a' }, 'store'],
    [{ path: '', store: 'media' }, 'path'],
    [{ path: 'a/../b', store: 'media' }, 'path'],
    [{ path: '.velocity/x', store: 'media' }, 'path'],
    [{ path: 'a', store: 'nope' }, 'store'],
    [{ path: 'a', store: 'media', prefix: '//' }, 'prefix'],
    [{ path: 'a', store: 'media', label: 5 }, 'label'],
    [{ path: 'a', store: 'media', lable: 'x' }, 'lable'],
    [['a'], 'body'],
  ] as const) {
    const { status, json } = await server.send('POST', MOUNTS, body, 'admin');
    assert.deepEqual([status, json['field']], [400, field], JSON.stringify(body));
  }
  assert.deepEqual(server.mounts.all(), []);
});

test('those of the configuration are shown under their names, and changed there alone', async () => {
  await using server = await MountsServer.start({ configured: FIXED });
  const { json } = await server.send('GET', `${MOUNTS}/fixed`);
  assert.deepEqual([json['path'], json['source']], ['fixed', 'configuration']);
  for (const [method, body] of [
    ['PATCH', { store: 'media' }],
    ['DELETE', undefined],
  ] as const) {
    const refused = await server.send(method, `${MOUNTS}/fixed`, body, 'admin');
    assert.deepEqual([refused.status, refused.json['code']], [409, 'PATH_CONFLICT']);
  }
  assert.equal((await server.send('POST', MOUNTS, { path: 'fixed', store: 'media' }, 'admin')).status, 409);
});

test('to see takes the right to files, to change that of an admin', async () => {
  await using server = await MountsServer.start({ configured: FIXED });
  const ask = async (method: string, path: string, token: 'files' | 'admin' | 'cache') =>
    (await server.send(method, path, method === 'GET' ? undefined : {}, token)).status;
  assert.deepEqual([await ask('GET', MOUNTS, 'cache'), await ask('GET', MOUNTS, 'files')], [403, 200]);
  assert.equal(await ask('POST', MOUNTS, 'files'), 403);
  for (const method of ['PATCH', 'DELETE'])
    assert.equal(await ask(method, `${MOUNTS}/fixed`, 'files'), 403, method);
  assert.equal((await fetch(server.url + MOUNTS)).status, 401);
});

test('every change, and every one that is refused, is in the audit log with who asked', async () => {
  await using server = await MountsServer.start({ configured: FIXED });
  await server.send('POST', MOUNTS, { path: 'a', store: 'media' }, 'admin');
  await server.send('DELETE', `${MOUNTS}/fixed`, undefined, 'admin');
  await server.send('PATCH', `${MOUNTS}/fixed`, {}, 'files');
  await server.send('POST', MOUNTS, {}, 'files');
  const events = server.logged.flatMap(({ audit }) => (audit ? [audit as Record<string, string>] : []));
  assert.deepEqual(
    events.map(({ who, action, key, result }) => `${who} ${action} ${key} ${result}`),
    [
      'admin mount a begun',
      'admin mount a done',
      'admin unmount fixed begun',
      'admin unmount fixed failed',
      'files change-mount fixed refused',
      'files mount no mount refused',
    ],
  );
});
