import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoMembers } from './fixtures/demo-workspace.ts';
import { describeLockfile, keysOf, reversed } from './fixtures/describe-lockfile.ts';
import type { Lockfile } from './lockfile.ts';
import { readLockfile } from './read-lockfile.ts';

describeLockfile('package-lock.json', {
  path: 'npm/package-lock.json',
  members: demoMembers('1.0.0'),
  reorder: (text) => JSON.stringify(reversed(JSON.parse(text))),
  yallistPin: 'sha512-3wdGidZyq5PB084XLES5TpOSRA3wjXAlIWMhum2kRcv',
  fromTheFuture: (text) => text.replace('"lockfileVersion": 3', '"lockfileVersion": 4'),
  sharesPeers: true,
});

test('the nearest node_modules wins, as it does for node', () => {
  const lockfile = npm({
    '': { dependencies: { x: '1' } },
    'packages/a': { dependencies: { x: '2' } },
    'node_modules/x': pinned('1.0.0', { dependencies: { y: '*' } }),
    'node_modules/y': pinned('1.0.0'),
    'node_modules/x/node_modules/y': pinned('1.5.0'),
    'packages/a/node_modules/x': pinned('2.0.0', { dependencies: { y: '*' } }),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['x@1.0.0', 'y@1.5.0']);
  assert.deepEqual(keysOf(lockfile, 'packages/a'), ['x@2.0.0', 'y@1.0.0']);
});

test('a scope is no folder of its own on the way up', () => {
  const lockfile = npm({
    '': { dependencies: { '@s/x': '1' } },
    'node_modules/@s/x': pinned('1.0.0', { dependencies: { '@s/y': '*' } }),
    'node_modules/@s/x/node_modules/@s/y': pinned('1.0.0', { dependencies: { z: '*' } }),
    'node_modules/@s/x/node_modules/z': pinned('2.0.0'),
    'node_modules/z': pinned('1.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['@s/x@1.0.0', '@s/y@1.0.0', 'z@2.0.0']);
});

test('a move between two versions that both stay is seen', () => {
  const packages = (ofX: string, ofY: string) => ({
    '': { dependencies: { x: '1', y: '1' } },
    'node_modules/x': pinned('1.0.0', { dependencies: { z: '*' } }),
    'node_modules/y': pinned('1.0.0', { dependencies: { z: '*' } }),
    'node_modules/z': pinned(ofX),
    'node_modules/y/node_modules/z': pinned(ofY),
  });
  assert.deepEqual(keysOf(npm(packages('1.0.0', '2.0.0')), ''), [
    'x@1.0.0 > z@1.0.0',
    'y@1.0.0 > z@2.0.0',
    'z@1.0.0',
    'z@2.0.0',
  ]);
  assert.notDeepEqual(
    keysOf(npm(packages('2.0.0', '1.0.0')), ''),
    keysOf(npm(packages('1.0.0', '2.0.0')), ''),
  );
});

test('optional and peer dependencies count where they are there', () => {
  const lockfile = npm({
    '': { dependencies: { x: '1' }, peerDependencies: { p: '1', q: '1' } },
    'node_modules/x': pinned('1.0.0', {
      optionalDependencies: { there: '1', absent: '1' },
      peerDependencies: { p: '*', r: '*' },
    }),
    'node_modules/there': pinned('1.0.0'),
    'node_modules/p': pinned('1.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['p@1.0.0', 'there@1.0.0', 'x@1.0.0']);
});

test('a required dependency that is not there leaves no closure to those that reach it', () => {
  const lockfile = npm({
    '': { dependencies: { x: '1' } },
    'packages/a': { dependencies: { y: '1' } },
    'node_modules/x': pinned('1.0.0', { dependencies: { gone: '1' } }),
    'node_modules/y': pinned('1.0.0'),
  });
  assert.equal(lockfile.closureOf(''), undefined);
  assert.deepEqual(keysOf(lockfile, 'packages/a'), ['y@1.0.0']);
});

test('devDependencies count for workspace packages only', () => {
  const lockfile = npm({
    '': { devDependencies: { x: '1' } },
    'node_modules/x': pinned('1.0.0', { devDependencies: { gone: '1' } }),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['x@1.0.0']);
});

test('a linked folder that is not of the workspace is external and is walked through', () => {
  const lockfile = npm({
    '': { dependencies: { tool: 'file:tools/tool' } },
    'node_modules/tool': { resolved: 'tools/tool', link: true },
    'tools/tool': { version: '0.1.0', dependencies: { x: '1', y: '1' } },
    'node_modules/x': pinned('1.0.0'),
    'tools/tool/node_modules/y': pinned('1.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['tools/tool@0.1.0', 'x@1.0.0', 'y@1.0.0']);
});

test('an external package that depends on a workspace package does not lead into it', () => {
  const lockfile = npm({
    '': { dependencies: { plugin: '1' } },
    'node_modules/plugin': pinned('1.0.0', { peerDependencies: { a: '*' } }),
    'node_modules/a': { resolved: 'packages/a', link: true },
    'packages/a': { dependencies: { x: '1' } },
    'node_modules/x': pinned('1.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, ''), ['plugin@1.0.0']);
});

test('without an integrity the resolution pins', () => {
  const resolved = 'git+ssh://git@example.test/x.git#0123456789abcdef0123456789abcdef01234567';
  const lockfile = npm({
    '': { dependencies: { x: 'git' } },
    'node_modules/x': { version: '1.0.0', resolved },
  });
  assert.deepEqual([...(lockfile.closureOf('') ?? [])], [['x@1.0.0', resolved]]);
});

test('a version that is installed in one place and bundled in another is listed once', () => {
  const lockfile = npm({
    '': { dependencies: { x: '1', z: '1' } },
    'node_modules/x': pinned('1.0.0', { dependencies: { z: '1' } }),
    'node_modules/x/node_modules/z': { version: '1.0.0', inBundle: true },
    'node_modules/z': pinned('1.0.0'),
  });
  assert.equal(lockfile.closureOf('')?.get('z@1.0.0'), 'sha512-1.0.0');
});

test('a version in two places that gets other dependencies in each is listed for each, in order', () => {
  const lockfile = npm({
    '': { dependencies: { x: '1', y: '1', z: '1' } },
    'node_modules/x': { version: '1.0.0', integrity: 'sha512-a', dependencies: { z: '*' } },
    'node_modules/y': pinned('1.0.0', { dependencies: { x: '1' } }),
    'node_modules/y/node_modules/x': { version: '1.0.0', integrity: 'sha512-b', dependencies: { z: '*' } },
    'node_modules/y/node_modules/z': pinned('1.0.0'),
    'node_modules/z': pinned('2.0.0'),
  });
  assert.deepEqual(keysOf(lockfile, ''), [
    'x@1.0.0 > z@1.0.0',
    'x@1.0.0 > z@2.0.0',
    'y@1.0.0',
    'z@1.0.0',
    'z@2.0.0 (direct)',
  ]);
});

test('lockfileVersion 2 is read by its packages, 1 is not read', () => {
  const packages = { '': { dependencies: { x: '1' } }, 'node_modules/x': pinned('1.0.0') };
  assert.deepEqual(keysOf(npm(packages, 2), ''), ['x@1.0.0']);
  assert.equal(npm(packages, 1).closureOf(''), undefined);
});

test('a shrinkwrap is read the same way', () => {
  const text = JSON.stringify({ lockfileVersion: 3, packages: { '': {} } });
  assert.deepEqual(keysOf(readLockfile('npm-shrinkwrap.json', text, []), ''), []);
});

for (const [text, complaint] of [
  ['', /Unexpected end/],
  ['[]', /the document is not an object/],
  ['{"lockfileVersion": 3, "packages": []}', /packages is not an object/],
  [
    '{"lockfileVersion": 3, "packages": {"node_modules/x": 1}}',
    /packages\["node_modules\/x"\] is not an object/,
  ],
  [
    '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"x": 1}}}}',
    /"x" in dependencies of packages\[""\] is not text/,
  ],
] as const) {
  test(`the error for ${text || 'an empty file'} says what is wrong`, () => {
    assert.throws(() => readLockfile('package-lock.json', text, []), {
      code: 'WORKSPACE_INVALID',
      message: complaint,
    });
  });
}

function npm(packages: object, lockfileVersion = 3): Lockfile {
  const members = ['', 'packages/a'].map((directory) => ({ directory, name: directory, manifest: {} }));
  return readLockfile('package-lock.json', JSON.stringify({ lockfileVersion, packages }), members);
}

function pinned(version: string, facts: object = {}): object {
  return { version, integrity: `sha512-${version}`, ...facts };
}
