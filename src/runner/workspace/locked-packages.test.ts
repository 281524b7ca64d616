import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { LockedPackages } from './locked-packages.ts';
import { readManifest } from './manifests.ts';
import type { Package } from './package.ts';

const LOCKFILE = {
  name: 'shop',
  lockfileVersion: 3,
  packages: {
    '': { name: 'shop', workspaces: ['a', 'b'] },
    a: { name: 'a', dependencies: { left: '^1.0.0' } },
    b: { name: 'b', dependencies: { right: '^1.0.0' } },
    'node_modules/a': { resolved: 'a', link: true },
    'node_modules/b': { resolved: 'b', link: true },
    'node_modules/left': { version: '1.0.0', integrity: 'sha512-left' },
    'node_modules/right': { version: '1.0.0', integrity: 'sha512-right' },
  },
};

function withPackage(path: string, entry: object): object {
  return { ...LOCKFILE, packages: { ...LOCKFILE.packages, [path]: entry } };
}

const FILES = {
  'package.json': { name: 'shop', workspaces: ['a', 'b'] },
  'a/package.json': { name: 'a', dependencies: { left: '^1.0.0' } },
  'b/package.json': { name: 'b', dependencies: { right: '^1.0.0' } },
  'c/Cargo.toml': '[package]\nname = "c"\n',
};

/** The digests of the packages a, b and c under a lockfile. */
async function digests(file: string | undefined, content: unknown) {
  await using folder = await TempWorkspace.open(
    { ...FILES, ...(file === undefined ? {} : { [file]: content }) },
    { git: false },
  );
  const packages: Package[] = [];
  for (const directory of ['', 'a', 'b', 'c']) {
    const manifest = await readManifest(
      folder.root,
      directory,
      directory === 'c' ? 'Cargo.toml' : 'package.json',
    );
    packages.push({ name: manifest.name ?? '', directory, manifest });
  }
  const locked = new LockedPackages(folder.root, file, packages);
  const [, a, b, c] = packages.map((each) => locked.digestFor(each));
  return { a, b, c };
}

describe('LockedPackages', () => {
  test('without a lockfile nothing is locked', async () => {
    assert.deepEqual(await digests(undefined, ''), { a: undefined, b: undefined, c: undefined });
  });

  test('packages of other languages have no part in it', async () => {
    assert.equal((await digests('package-lock.json', LOCKFILE)).c, undefined);
  });

  test('a new version changes the digest of who reaches it, and no other', async () => {
    const before = await digests('package-lock.json', LOCKFILE);
    const newer = withPackage('node_modules/left', { version: '1.1.0', integrity: 'sha512-newer' });
    const after = await digests('package-lock.json', newer);
    assert.notEqual(after.a, before.a);
    assert.equal(after.b, before.b);
  });

  test('an entry that nobody reaches changes nothing', async () => {
    const before = await digests('package-lock.json', LOCKFILE);
    const more = withPackage('node_modules/other', { version: '1.0.0', integrity: 'sha512-other' });
    assert.deepEqual(await digests('package-lock.json', more), before);
  });

  test('a lockfile of an unknown form counts as a whole, for every JavaScript package', async () => {
    const one = await digests('bun.lockb', Buffer.from([1, 2, 3]));
    const other = await digests('bun.lockb', Buffer.from([1, 2, 4]));
    assert.equal(one.a, one.b);
    assert.notEqual(one.a, other.a);
  });

  test('a text that is no lockfile is an error', async () => {
    await assert.rejects(digests('package-lock.json', '{ torn'), (error: unknown) => {
      assert.ok(error instanceof VelocityError);
      assert.equal(error.code, 'WORKSPACE_INVALID');
      return true;
    });
  });
});
