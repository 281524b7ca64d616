import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoLockfile, demoMembers } from './fixtures/demo-workspace.ts';
import { describeLockfile, keysOf } from './fixtures/describe-lockfile.ts';
import type { Lockfile, MemberManifest } from './lockfile.ts';
import { readLockfile } from './read-lockfile.ts';

describeLockfile('yarn.lock of Yarn 1', {
  path: 'yarn-classic/yarn.lock',
  members: demoMembers('1.0.0'),
  reorder: (text) => text.split('\n\n').reverse().join('\n\n'),
  yallistPin: 'sha512-3wdGidZyq5PB084XLES5TpOSRA3wjXAlIWMhum2kRcv',
});

const TWO_VERSIONS = `
debug@^4.0.0:
  version "4.0.0"
  integrity sha512-debug
  dependencies:
    ms "^2.0.0"

ms@^1.0.0:
  version "1.0.0"
  integrity sha512-one

ms@^2.0.0:
  version "2.0.0"
  integrity sha512-two
`;

test('each range gets the version that is listed for it', () => {
  const lockfile = yarn(TWO_VERSIONS, {
    a: { dependencies: { ms: '^1.0.0' } },
    b: { dependencies: { ms: '^2.0.0' } },
    c: { devDependencies: { debug: '^4.0.0' } },
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['ms@1.0.0']);
  assert.deepEqual(keysOf(lockfile, 'b'), ['ms@2.0.0']);
  assert.deepEqual(keysOf(lockfile, 'c'), ['debug@4.0.0', 'ms@2.0.0']);
});

test('a name that resolutions change reaches all its versions, for the file does not say which', () => {
  const resolutions = { 'debug/ms': '1.0.0' };
  const lockfile = yarn(TWO_VERSIONS, {
    '': { dependencies: { ms: '^1.0.0' }, resolutions },
    a: { dependencies: { debug: '^4.0.0' } },
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['debug@4.0.0 > ms@1.0.0 > ms@2.0.0', 'ms@1.0.0', 'ms@2.0.0']);
});

test('an entry that nobody asks for is asked for by an edge that cannot be seen, so all reach it', () => {
  const lockfile = yarn(TWO_VERSIONS, { a: { dependencies: { debug: '^4.0.0' } }, b: {} });
  assert.deepEqual(keysOf(lockfile, 'b'), ['ms@1.0.0']);
});

test('a range that is not listed reaches all versions, a name that is not listed leaves no closure', () => {
  const lockfile = yarn(TWO_VERSIONS, {
    a: { dependencies: { ms: '^3.0.0' } },
    b: { dependencies: { gone: '1' } },
    c: { dependencies: { debug: '^4.0.0' } },
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['ms@1.0.0 (direct)', 'ms@2.0.0 (direct)']);
  assert.equal(lockfile.closureOf('b'), undefined);
});

test('an optional dependency may be left out', () => {
  const lockfile = yarn(TWO_VERSIONS, {
    '': { dependencies: { ms: '^1.0.0' } },
    a: { optionalDependencies: { gone: '1' }, dependencies: { debug: '^4.0.0' } },
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['debug@4.0.0', 'ms@2.0.0']);
});

test('a peer of a workspace package is what the root has', () => {
  const lockfile = yarn(TWO_VERSIONS, {
    '': { devDependencies: { ms: '^1.0.0', debug: '^4.0.0' } },
    a: { peerDependencies: { ms: '*', react: '*' } },
  });
  assert.deepEqual(keysOf(lockfile, 'a'), ['ms@1.0.0']);
});

test('a package that is of the workspace and in the registry reaches the listed one where its range is listed', () => {
  const text = 'a@^0.1.0:\n  version "0.1.0"\n  integrity sha512-a\n';
  const lockfile = yarn(text, {
    a: {},
    b: { dependencies: { a: '^0.1.0' } },
  });
  assert.deepEqual(keysOf(lockfile, 'b'), ['a@0.1.0']);
});

test('without an integrity the resolution pins', () => {
  const text = 'x@1:\n  version "1.0.0"\n  resolved "https://registry.npmjs.org/x/-/x-1.0.0.tgz#0123"\n';
  const closure = yarn(text, { a: { dependencies: { x: '1' } } }).closureOf('a');
  assert.equal(closure?.get('x@1.0.0'), 'https://registry.npmjs.org/x/-/x-1.0.0.tgz#0123');
});

test('a package that is not in the workspace list has no closure', () => {
  const text = demoLockfile('yarn-classic/yarn.lock');
  assert.equal(readLockfile('yarn.lock', text, []).closureOf('packages/a'), undefined);
});

test('a lockfile without entries is one of a workspace without dependencies', () => {
  const lockfile = yarn('# yarn lockfile v1\n', { '': {} });
  assert.deepEqual(keysOf(lockfile, ''), []);
});

function yarn(text: string, manifests: Readonly<Record<string, MemberManifest>>): Lockfile {
  const members = Object.entries(manifests).map(([directory, manifest]) => ({
    directory,
    name: directory === '' ? 'root' : directory,
    manifest,
  }));
  return readLockfile('yarn.lock', text, members);
}
