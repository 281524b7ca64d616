import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { walkFiles } from './walk-files.ts';

describe('walkFiles', () => {
  test('all files below a folder are found, sorted', async () => {
    await using folder = await TempWorkspace.open(
      { 'a/c': '', 'a/b/d': '', 'a/.e': '', x: '' },
      { git: false },
    );
    assert.deepEqual(walkFiles(folder.root, 'a'), ['a/.e', 'a/b/d', 'a/c']);
  });

  test('the root itself can be walked', async () => {
    await using folder = await TempWorkspace.open({ 'a/b': '', c: '' }, { git: false });
    assert.deepEqual(walkFiles(folder.root, ''), ['a/b', 'c']);
  });

  test('a file is itself', async () => {
    await using folder = await TempWorkspace.open({ '.env': '' }, { git: false });
    assert.deepEqual(walkFiles(folder.root, '.env'), ['.env']);
  });

  test('what is not there is nothing', () => {
    assert.deepEqual(walkFiles('/nowhere', 'a'), []);
  });

  test('links are found and not followed', async () => {
    await using folder = await TempWorkspace.open({ 'a/b': '' }, { git: false });
    symlinkSync('..', folder.path('a/up'));
    assert.deepEqual(walkFiles(folder.root, 'a'), ['a/b', 'a/up']);
  });

  test('a path that is a link to a folder is walked, one to a file or to nothing is itself', async () => {
    await using folder = await TempWorkspace.open({ 'real/a': '' }, { git: false });
    symlinkSync('real', folder.path('to-folder'));
    symlinkSync('real/a', folder.path('to-file'));
    symlinkSync('nowhere', folder.path('dangling'));
    assert.deepEqual(
      ['to-folder', 'to-file', 'dangling'].map((path) => walkFiles(folder.root, path)),
      [['to-folder/a'], ['to-file'], ['dangling']],
    );
  });

  test('nothing lies below a file', async () => {
    await using folder = await TempWorkspace.open({ a: '' }, { git: false });
    assert.deepEqual(walkFiles(folder.root, 'a/b'), []);
  });

  test('node_modules and the like are left out wherever they stand', async () => {
    await using folder = await TempWorkspace.open(
      { 'a/node_modules/x': '', 'a/b/.git/x': '', 'a/.velocity/x': '', 'a/b/c': '' },
      { git: false },
    );
    assert.deepEqual(walkFiles(folder.root, 'a'), ['a/b/c']);
  });
});
