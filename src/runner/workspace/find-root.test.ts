import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { findWorkspaceRoot } from './find-root.ts';

describe('findWorkspaceRoot', () => {
  test('the folder with the file is the root, seen from itself and from below', async () => {
    await using folder = await TempWorkspace.open({ 'velocity.yml': '', 'a/b/c.txt': '' }, { git: false });
    assert.equal(findWorkspaceRoot(folder.root), folder.root);
    assert.equal(findWorkspaceRoot(folder.path('a/b')), folder.root);
  });

  test('of several the nearest is the root', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': '', 'a/velocity.yml': '', 'a/b/c': '' },
      { git: false },
    );
    assert.equal(findWorkspaceRoot(folder.path('a/b')), folder.path('a'));
  });

  test('where there is none the error says where was looked and what to do', async () => {
    await using folder = await TempWorkspace.open({ 'a/b': '' }, { git: false });
    assert.throws(
      () => findWorkspaceRoot(folder.path('a')),
      (error: unknown) => {
        assert.ok(error instanceof VelocityError);
        assert.equal(error.code, 'WORKSPACE_INVALID');
        assert.ok(error.message.includes(`no velocity.yml in ${folder.path('a')}`));
        assert.ok(error.message.includes('velocity init'));
        return true;
      },
    );
  });
});
