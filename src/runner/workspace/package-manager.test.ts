import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { detectPackageManager, type PackageManager } from './package-manager.ts';

async function detect(files: Files): Promise<PackageManager | undefined> {
  await using folder = await TempWorkspace.open(files, { git: false });
  return await detectPackageManager(folder.root, (name) => existsSync(folder.path(name)));
}

describe('detectPackageManager', () => {
  test('a root without a package.json is no JavaScript project', async () => {
    assert.equal(await detect({ 'yarn.lock': '' }), undefined);
  });

  test('npm is the one where nothing says otherwise', async () => {
    assert.deepEqual(await detect({ 'package.json': {} }), {
      name: 'npm',
      label: 'npm',
      workspaceGlobs: [],
      lockfile: undefined,
    });
  });

  test('the lockfile tells which it is', async () => {
    const lockfiles = {
      'package-lock.json': 'npm',
      'npm-shrinkwrap.json': 'npm',
      'pnpm-lock.yaml': 'pnpm',
      'yarn.lock': 'yarn',
      'bun.lock': 'bun',
      'bun.lockb': 'bun',
    };
    for (const [lockfile, name] of Object.entries(lockfiles)) {
      const manager = await detect({ 'package.json': {}, [lockfile]: '' });
      assert.deepEqual([manager?.name, manager?.lockfile], [name, lockfile]);
    }
  });

  test('what package.json declares is stronger than a lockfile of another', async () => {
    const manager = await detect({
      'package.json': { packageManager: 'yarn@4.9.1' },
      'package-lock.json': '',
      'yarn.lock': '',
    });
    assert.deepEqual([manager?.name, manager?.lockfile], ['yarn', 'yarn.lock']);
  });

  test('the declared version is part of the label, its checksum is not', async () => {
    const manager = await detect({ 'package.json': { packageManager: 'pnpm@10.4.1+sha512.abcdef' } });
    assert.equal(manager?.label, 'pnpm@10.4.1');
  });

  test('a declared manager that is not known leaves the choice to the lockfile', async () => {
    const manager = await detect({ 'package.json': { packageManager: 'cnpm@1.0.0' }, 'yarn.lock': '' });
    assert.deepEqual([manager?.name, manager?.label], ['yarn', 'yarn']);
  });

  test('npm and bun list their workspaces in package.json', async () => {
    const manager = await detect({ 'package.json': { workspaces: ['apps/*', '!apps/old'] } });
    assert.deepEqual(manager?.workspaceGlobs, ['apps/*', '!apps/old']);
  });

  test('yarn’s longer form of the list is read too', async () => {
    const manager = await detect({ 'package.json': { workspaces: { packages: ['a/*'], nohoist: ['x'] } } });
    assert.deepEqual(manager?.workspaceGlobs, ['a/*']);
  });

  test('pnpm lists them in a file of its own, which makes it pnpm', async () => {
    const manager = await detect({
      'package.json': { workspaces: ['ignored/*'] },
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*"\n  - "!**/test/**"\n',
    });
    assert.deepEqual([manager?.name, manager?.workspaceGlobs], ['pnpm', ['apps/*', '!**/test/**']]);
  });

  test('a pnpm file without packages lists none', async () => {
    const manager = await detect({ 'package.json': {}, 'pnpm-workspace.yaml': 'catalog:\n  a: 1\n' });
    assert.deepEqual(manager?.workspaceGlobs, []);
  });

  test('a list that is no list of texts lists none', async () => {
    for (const workspaces of ['apps/*', 7, null, { packages: 'a' }, [1, {}]])
      assert.deepEqual((await detect({ 'package.json': { workspaces } }))?.workspaceGlobs, []);
  });

  test('a file that cannot be read is an error that names it', async () => {
    const broken: Files[] = [
      { 'package.json': '{' },
      { 'package.json': 'null' },
      { 'package.json': {}, 'pnpm-workspace.yaml': 'packages: [' },
    ];
    for (const files of broken) {
      const named = Object.keys(files).at(-1) ?? '';
      await assert.rejects(detect(files), (error: unknown) => {
        assert.ok(error instanceof VelocityError);
        assert.equal(error.code, 'WORKSPACE_INVALID');
        assert.match(error.message, new RegExp(`${named} cannot be read: `));
        return true;
      });
    }
  });
});
