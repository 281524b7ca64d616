import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoMembers } from './fixtures/demo-workspace.ts';
import { describeLockfile, keysOf, reversed } from './fixtures/describe-lockfile.ts';
import type { Lockfile } from './lockfile.ts';
import { readLockfile } from './read-lockfile.ts';

describeLockfile('bun.lock', {
  path: 'bun/bun.lock',
  members: demoMembers('workspace:*'),
  reorder: (text) => JSON.stringify(reversed(JSON.parse(text.replaceAll(/,(?=\s*[}\]])/g, '')))),
  yallistPin: 'sha512-3wdGidZyq5PB084XLES5TpOSRA3wjXAlIWMhum2kRcv',
  fromTheFuture: (text) => text.replace('"lockfileVersion": 2', '"lockfileVersion": 3'),
  sharesPeers: true,
});

test('the nearest place on the way up wins, a scope and its name being one step', () => {
  const lockfile = bun({
    workspaces: { '': { name: 'root', dependencies: { '@s/x': '1' } } },
    packages: {
      '@s/x': ['@s/x@1.0.0', '', { dependencies: { '@s/y': '*' } }, 'sha512-x'],
      '@s/x/@s/y': ['@s/y@1.0.0', '', { dependencies: { z: '*' } }, 'sha512-y'],
      '@s/x/z': ['z@2.0.0', '', {}, 'sha512-z2'],
      z: ['z@1.0.0', '', {}, 'sha512-z1'],
    },
  });
  assert.deepEqual(keysOf(lockfile, ''), ['@s/x@1.0.0', '@s/y@1.0.0', 'z@2.0.0']);
});

test('what lies under the name of a workspace package is for that one', () => {
  const lockfile = bun({
    workspaces: {
      '': { name: 'root', dependencies: { x: '1' } },
      'packages/a': { name: '@demo/a', dependencies: { x: '2' } },
    },
    packages: {
      '@demo/a': ['@demo/a@workspace:packages/a'],
      '@demo/a/x': ['x@2.0.0', '', {}, 'sha512-2'],
      x: ['x@1.0.0', '', {}, 'sha512-1'],
    },
  });
  assert.deepEqual(keysOf(lockfile, ''), ['x@1.0.0']);
  assert.deepEqual(keysOf(lockfile, 'packages/a'), ['x@2.0.0']);
});

test('integrity stands last, whatever stands between', () => {
  const lockfile = bun({
    workspaces: { '': { name: 'root', dependencies: { npm: '1', tarball: '1', git: '1', folder: '1' } } },
    packages: {
      npm: ['npm@1.0.0', 'https://registry.example.test/', {}, 'sha512-npm'],
      tarball: ['tarball@https://example.test/t.tgz', {}, 'sha512-tarball'],
      git: ['git@github:o/r#0123456', {}, 'o-r-0123456'],
      folder: ['folder@file:folder', {}],
    },
  });
  assert.deepEqual(Object.fromEntries(lockfile.closureOf('') ?? []), {
    'folder@file:folder': '',
    'git@github:o/r#0123456': 'o-r-0123456',
    'npm@1.0.0': 'sha512-npm',
    'tarball@https://example.test/t.tgz': 'sha512-tarball',
  });
});

test('a patched package says so in its key', () => {
  const lockfile = bun({
    workspaces: { '': { name: 'root', dependencies: { ms: '2' } } },
    packages: { ms: ['ms@2.0.0', '', {}, 'sha512-ms'] },
    patchedDependencies: { 'ms@2.0.0': 'patches/ms@2.0.0.patch' },
  });
  assert.deepEqual(keysOf(lockfile, ''), ['ms@2.0.0(patch=patches/ms@2.0.0.patch)']);
});

test('an external package that asks for the root or a workspace package does not lead into it', () => {
  const lockfile = bun({
    workspaces: {
      '': { name: 'root', dependencies: { x: '1' } },
      'packages/a': { name: 'a', dependencies: { y: '1' } },
    },
    packages: {
      a: ['a@workspace:packages/a', { dependencies: { y: '1' } }],
      root: ['root@root:', { bin: {} }],
      x: [
        'x@1.0.0',
        '',
        { dependencies: { root: '*' }, peerDependencies: { a: '*', gone: '*' } },
        'sha512-x',
      ],
      y: ['y@1.0.0', '', {}, 'sha512-y'],
    },
  });
  assert.deepEqual(keysOf(lockfile, ''), ['x@1.0.0']);
});

test('a required dependency that is not there leaves no closure, an optional one does not matter', () => {
  const lockfile = bun({
    workspaces: {
      '': { name: 'root', dependencies: { gone: '1' } },
      'packages/a': { name: 'a', optionalDependencies: { gone: '1' }, devDependencies: { x: '1' } },
    },
    packages: { x: ['x@1.0.0', '', {}, 'sha512-x'] },
  });
  assert.equal(lockfile.closureOf(''), undefined);
  assert.deepEqual(keysOf(lockfile, 'packages/a'), ['x@1.0.0']);
});

test('a comma within a text stays', () => {
  const text = `{
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "a,}b", "dependencies": { "x": ">=1,]<2", }, }, },
  "packages": { "x": ["x@1.0.0", "", { "bin": { "x": "\\",}" }, }, "sha512-x"], },
}`;
  assert.deepEqual(keysOf(readLockfile('bun.lock', text, []), ''), ['x@1.0.0']);
});

test('a package called like a method of every object is one like any other', () => {
  const lockfile = bun({
    workspaces: {
      '': { name: 'root', dependencies: { constructor: '1' }, peerDependencies: { toString: '1' } },
    },
    packages: { constructor: ['constructor@1.0.0', '', {}, 'sha512-c'] },
  });
  assert.deepEqual(keysOf(lockfile, ''), ['constructor@1.0.0']);
});

for (const [text, complaint] of [
  ['', /Unexpected end/],
  ['{"lockfileVersion": 1, "packages": {"x": "x@1.0.0"}}', /packages\["x"\] is not a list/],
  ['{"lockfileVersion": 1, "packages": {"x": []}}', /packages\["x"\] is not a list/],
  ['{"lockfileVersion": 1, "workspaces": {"": 1}}', /workspaces\[""\] is not an object/],
] as const) {
  test(`the error for ${text || 'an empty file'} says what is wrong`, () => {
    assert.throws(() => readLockfile('bun.lock', text, []), {
      code: 'WORKSPACE_INVALID',
      message: complaint,
    });
  });
}

function bun(document: object): Lockfile {
  return readLockfile('bun.lock', JSON.stringify({ lockfileVersion: 1, ...document }), []);
}
