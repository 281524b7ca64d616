import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { demoMembers } from './fixtures/demo-workspace.ts';
import { describeLockfile, keysOf, reversed } from './fixtures/describe-lockfile.ts';
import type { Lockfile, Ranges } from './lockfile.ts';
import { readLockfile } from './read-lockfile.ts';

const FAILSAFE = { schema: 'failsafe' } as const;

describeLockfile('yarn.lock of Yarn 4', {
  path: 'yarn-berry/yarn.lock',
  members: demoMembers('workspace:*'),
  reorder: (text) => stringify(reversed(parse(text, FAILSAFE)), FAILSAFE),
  yallistPin: '10c0/2286b5e8dbfe22204ab66e2ef5cc9bbb1e55dfc873bbe0d568aa943eb25',
  fromTheFuture: (text) => text.replace('version: 10', 'version: 99'),
});

test("Yarn's own patch of a package counts beside what is patched", () => {
  const lockfile = berry({
    'root@workspace:.': workspace('root@workspace:.', { fsevents: 'npm:2.3.3' }),
    'fsevents@npm:2.3.3': external('fsevents@npm:2.3.3'),
    'fsevents@patch:fsevents@npm%3A2.3.3#optional!builtin<compat/fsevents>': external(
      'fsevents@patch:fsevents@npm%3A2.3.3#optional!builtin<compat/fsevents>::version=2.3.3&hash=df0bf1',
    ),
  });
  assert.deepEqual(keysOf(lockfile, ''), [
    'fsevents@2.3.3 (direct)',
    'fsevents@patch:fsevents@npm%3A2.3.3#optional!builtin<compat/fsevents>::version=2.3.3&hash=df0bf1 (direct)',
  ]);
});

test('a patch of the user is found without its resolution, and its digest is part of the key', () => {
  const patch = 'ms@patch:ms@npm%3A2.0.0#~/.yarn/patches/ms.patch';
  const lockfile = (hash: string) =>
    berry({
      'root@workspace:.': workspace('root@workspace:.', { debug: 'npm:2.6.9' }),
      'debug@npm:2.6.9': { ...external('debug@npm:2.6.9'), dependencies: { ms: 'npm:2.0.0' } },
      'ms@npm:2.0.0': external('ms@npm:2.0.0'),
      [patch]: external(`${patch}::version=2.0.0&hash=${hash}`),
    });
  assert.ok(keysOf(lockfile('aaaaaa'), '').includes(`${patch}::version=2.0.0&hash=aaaaaa`));
  assert.notDeepEqual(keysOf(lockfile('aaaaaa'), ''), keysOf(lockfile('bbbbbb'), ''));
});

test('a range from a catalog is not listed, so all versions of the name count, for that package only', () => {
  const lockfile = berry({
    'a@workspace:a': workspace('a@workspace:a', { ms: 'catalog:' }),
    'b@workspace:b': workspace('b@workspace:b', { ms: 'npm:^1.0.0' }),
    'ms@npm:1.0.0, ms@npm:^1.0.0': external('ms@npm:1.0.0'),
    'ms@npm:^2.0.0': external('ms@npm:2.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['ms@1.0.0 (direct)', 'ms@2.0.0 (direct)']);
  assert.deepEqual(keysOf(lockfile, 'b'), ['ms@1.0.0']);
});

test('what a package extension adds is reached by all, for the file does not say by whom', () => {
  const lockfile = berry({
    'a@workspace:a': workspace('a@workspace:a', {}),
    'b@workspace:b': workspace('b@workspace:b', { once: 'npm:^1.3.0' }),
    'once@npm:*, once@npm:^1.3.0': external('once@npm:1.4.0'),
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['once@1.4.0']);
});

test('a name that resolutions change reaches all its versions', () => {
  const entries = {
    'root@workspace:.': workspace('root@workspace:.', { debug: 'npm:2.6.9' }),
    'b@workspace:b': workspace('b@workspace:b', { ms: 'npm:2.0.0' }),
    'debug@npm:2.6.9': { ...external('debug@npm:2.6.9'), dependencies: { ms: 'npm:2.0.0' } },
    'ms@npm:2.0.0': external('ms@npm:2.0.0'),
    'ms@npm:2.1.3': external('ms@npm:2.1.3'),
  };
  for (const pattern of ['debug/ms', '**/ms', 'ms', 'debug@npm:2.6.9/ms@npm:2.0.0']) {
    const keys = keysOf(berry(entries, { [pattern]: '2.1.3' }), '');
    assert.deepEqual(keys, ['debug@2.6.9 > ms@2.0.0 > ms@2.1.3', 'ms@2.0.0', 'ms@2.1.3'], pattern);
  }
});

test('Yarn 3 leaves out npm: and is read all the same', () => {
  const lockfile = berry(
    {
      'a@*, a@workspace:a': workspace('a@workspace:a', { 'old-ms': 'npm:ms@1.0.0', '@s/x': '^1.0.0' }),
      'b@workspace:b': workspace('b@workspace:b', { a: '*' }),
      '@s/x@npm:^1.0.0': { ...external('@s/x@npm:1.2.0'), dependencies: { y: 'latest' } },
      'old-ms@npm:ms@1.0.0': external('ms@npm:1.0.0'),
      'y@npm:latest': external('y@npm:1.0.0'),
    },
    undefined,
    '6',
  );
  assert.deepEqual(keysOf(lockfile, 'a'), ['@s/x@1.2.0', 'ms@1.0.0', 'y@1.0.0']);
  assert.deepEqual(keysOf(lockfile, 'b'), []);
});

test('an optional dependency may be left out, a required one leaves no closure', () => {
  const optional = { dependenciesMeta: { gone: { optional: 'true' } } };
  const lockfile = berry({
    'a@workspace:a': { ...workspace('a@workspace:a', { gone: 'npm:1' }), ...optional },
    'b@workspace:b': workspace('b@workspace:b', { gone: 'npm:1' }),
  });
  assert.deepEqual(keysOf(lockfile, 'a'), []);
  assert.equal(lockfile.closureOf('b'), undefined);
});

test('a package for another platform, which has no checksum, is pinned by its resolution', () => {
  const lockfile = berry({
    'a@workspace:a': workspace('a@workspace:a', { x: 'npm:1.0.0' }),
    'x@npm:1.0.0': { version: '1.0.0', resolution: 'x@npm:1.0.0', conditions: 'os=darwin' },
  });
  assert.equal(lockfile.closureOf('a')?.get('x@1.0.0'), 'x@npm:1.0.0');
});

for (const [text, complaint] of [
  ['__metadata:\n  version: 8\n"x@npm:1":\n  version: 1.0.0\n', /"x@npm:1" has no resolution/],
  ['__metadata:\n  version: 8\n"x@npm:1": 1\n', /"x@npm:1" is not an object/],
  ['__metadata:\n  version: 8\n"x@npm:1:\n', /yarn.lock is malformed/],
] as const) {
  test(`the error for ${JSON.stringify(text)} says what is wrong`, () => {
    assert.throws(() => readLockfile('yarn.lock', text, []), {
      code: 'WORKSPACE_INVALID',
      message: complaint,
    });
  });
}

function berry(entries: object, resolutions?: Ranges, version = '8'): Lockfile {
  const text = stringify({ __metadata: { version }, ...entries });
  return readLockfile('yarn.lock', text, [{ directory: '', name: 'root', manifest: { resolutions } }]);
}

function workspace(resolution: string, dependencies: object): object {
  return { version: '0.0.0-use.local', resolution, dependencies };
}

function external(resolution: string): object {
  return { resolution, checksum: `10c0/${resolution.length}` };
}
