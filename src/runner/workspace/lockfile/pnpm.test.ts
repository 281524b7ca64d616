import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { demoLockfile, demoMembers } from './fixtures/demo-workspace.ts';
import { describeLockfile, keysOf, reversed } from './fixtures/describe-lockfile.ts';
import type { Lockfile } from './lockfile.ts';
import { readLockfile } from './read-lockfile.ts';

const FAILSAFE = { schema: 'failsafe' } as const;

for (const version of ['6', '9']) {
  describeLockfile(`pnpm-lock.yaml ${version}`, {
    path: `pnpm-${version}/pnpm-lock.yaml`,
    members: demoMembers('workspace:*'),
    reorder: (text) => stringify(reversed(parse(text, FAILSAFE)), FAILSAFE),
    yallistPin: 'sha512-3wdGidZyq5PB084XLES5TpOSRA3wjXAlIWMhum2kRcv',
    fromTheFuture: (text) => text.replace(`lockfileVersion: '${version}.0'`, "lockfileVersion: '99.0'"),
  });
}

test('a package with other peers is another entry', () => {
  const lockfile = readLockfile('pnpm-lock.yaml', demoLockfile('pnpm-9/pnpm-lock.yaml'), []);
  assert.ok(keysOf(lockfile, 'packages/b').includes('use-sync-external-store@1.2.0(react@18.2.0)'));
  assert.ok(keysOf(lockfile, 'packages/c').includes('use-sync-external-store@1.2.0(react@17.0.2)'));
});

test('a patch is part of the key', () => {
  const lockfile = pnpm(`
importers:
  .:
    dependencies:
      ms:
        specifier: 2.0.0
        version: 2.0.0(patch_hash=00c5cc48)
packages:
  ms@2.0.0:
    resolution: {integrity: sha512-ms}
snapshots:
  ms@2.0.0(patch_hash=00c5cc48): {}
`);
  assert.deepEqual([...(lockfile.closureOf('') ?? [])], [['ms@2.0.0(patch_hash=00c5cc48)', 'sha512-ms']]);
});

test('an alias leads to its target', () => {
  const lockfile = pnpm(`
importers:
  .:
    dependencies:
      old:
        specifier: npm:@s/ms@1.0.0
        version: '@s/ms@1.0.0'
      other:
        specifier: npm:ms@1.0.0
        version: ms@1.0.0
packages:
  '@s/ms@1.0.0':
    resolution: {integrity: sha512-scoped}
  ms@1.0.0:
    resolution: {integrity: sha512-ms}
snapshots:
  '@s/ms@1.0.0': {}
  ms@1.0.0: {}
`);
  assert.deepEqual(keysOf(lockfile, ''), ['@s/ms@1.0.0', 'ms@1.0.0']);
});

test('a tarball is pinned by all that its resolution says, in any order', () => {
  const text = (resolution: string) => `
importers:
  .:
    dependencies:
      x:
        specifier: https://example.test/x.tgz
        version: https://example.test/x.tgz
packages:
  x@https://example.test/x.tgz:
    resolution: ${resolution}
    version: 1.0.0
snapshots:
  x@https://example.test/x.tgz: {}
`;
  const tarball = 'tarball: https://example.test/x.tgz';
  const closures = [`{${tarball}, path: /x}`, `{path: /x, ${tarball}}`].map((resolution) => [
    ...(pnpm(text(resolution)).closureOf('') ?? []),
  ]);
  assert.deepEqual(closures[0], [
    ['x@https://example.test/x.tgz', '{"path":"/x","tarball":"https://example.test/x.tgz"}'],
  ]);
  assert.deepEqual(closures[0], closures[1]);
});

test('a workspace package that is copied in is not walked through, another folder is', () => {
  const lockfile = pnpm(`
importers:
  .:
    dependencies:
      a:
        specifier: workspace:*
        version: file:packages/a
      tool:
        specifier: file:tool
        version: file:tool
packages:
  a@file:packages/a:
    resolution: {directory: packages/a, type: directory}
  tool@file:tool:
    resolution: {directory: tool, type: directory}
  x@1.0.0:
    resolution: {integrity: sha512-x}
  y@1.0.0:
    resolution: {integrity: sha512-y}
snapshots:
  a@file:packages/a:
    dependencies:
      x: 1.0.0
  tool@file:tool:
    dependencies:
      y: 1.0.0
  x@1.0.0: {}
  y@1.0.0: {}
`);
  assert.deepEqual(keysOf(lockfile, ''), ['tool@file:tool', 'y@1.0.0']);
});

test('a snapshot that is not there leaves no closure to those that reach it', () => {
  const text = demoLockfile('pnpm-9/pnpm-lock.yaml').replace('  yallist@4.0.0: {}', '');
  const lockfile = readLockfile('pnpm-lock.yaml', text, []);
  assert.equal(lockfile.closureOf(''), undefined);
  assert.notEqual(lockfile.closureOf('packages/b'), undefined);
});

test('a document about pnpm itself comes first and does not count', () => {
  const text = demoLockfile('pnpm-9/pnpm-lock.yaml');
  const itself = `---
lockfileVersion: '9.0'

importers:

  .:
    configDependencies:
      is-number:
        specifier: 7.0.0
        version: 7.0.0

---
`;
  const lockfile = readLockfile('pnpm-lock.yaml', itself + text, []);
  assert.deepEqual(keysOf(lockfile, ''), ['lru-cache@6.0.0', 'semver@7.6.0', 'yallist@4.0.0']);
});

test('version 6 of a single package has its dependencies at the top', () => {
  const text = `
lockfileVersion: '6.0'
dependencies:
  ms:
    specifier: 2.0.0
    version: 2.0.0
packages:
  /ms@2.0.0:
    resolution: {integrity: sha512-ms}
`;
  assert.deepEqual(keysOf(readLockfile('pnpm-lock.yaml', text, []), ''), ['ms@2.0.0']);
});

test('a runtime, pinned once for each platform, is pinned by all of them', () => {
  const lockfile = pnpm(`
importers:
  .:
    devDependencies:
      node:
        specifier: runtime:24.0.0
        version: runtime:24.0.0
packages:
  node@runtime:24.0.0:
    hasBin: true
    resolution:
      type: variations
      variants:
        - resolution:
            integrity: sha256-one
          targets:
            - cpu: arm64
              os: darwin
snapshots:
  node@runtime:24.0.0: {}
`);
  assert.match(lockfile.closureOf('')?.get('node@runtime:24.0.0') ?? '', /sha256-one/);
});

for (const [text, complaint] of [
  ['', /the document is not an object/],
  ["lockfileVersion: '9.0'\nimporters: none\n", /importers is not an object/],
  ["lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      x: {}\n", /"x" in .* has no version/],
  ["lockfileVersion: '9.0'\nsnapshots:\n  x@1.0.0: none\n", /snapshots\["x@1.0.0"\] is not an object/],
  ["lockfileVersion: '9.0'\n\tpackages: {}\n", /is malformed/],
] as const) {
  test(`the error for ${JSON.stringify(text)} says what is wrong`, () => {
    assert.throws(() => readLockfile('pnpm-lock.yaml', text, []), {
      code: 'WORKSPACE_INVALID',
      message: complaint,
    });
  });
}

function pnpm(text: string): Lockfile {
  const members = [{ directory: 'packages/a', name: 'a', manifest: {} }];
  return readLockfile('pnpm-lock.yaml', `lockfileVersion: '9.0'\n${text}`, members);
}
