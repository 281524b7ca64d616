import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type PlaceOptions, placeIn } from '../../../test/rig/artifacts.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { outputBases } from './outputs.ts';

function packageOf(files: Files): Promise<TempWorkspace> {
  const below = Object.entries(files).map(([path, content]) => [`packages/web/${path}`, content]);
  return TempWorkspace.open(Object.fromEntries(below), { git: false });
}

/** What is found, as `kind path`. */
function found(workspace: TempWorkspace, options?: PlaceOptions): string[] {
  return placeIn(workspace, options)
    .outputs.find()
    .map(({ kind, path }) => `${kind} ${path}`);
}

describe('find', () => {
  test('all below an output folder is found, sorted', async () => {
    await using folder = await packageOf({
      'dist/b.js': '',
      'dist/a/c.js': '',
      'dist/.hidden': '',
      'src/x.ts': '',
    });
    assert.deepEqual(found(folder), ['file dist/.hidden', 'file dist/a/c.js', 'file dist/b.js']);
  });

  test('where nothing was made nothing is found', async () => {
    await using folder = await packageOf({ 'src/x.ts': '' });
    assert.deepEqual(found(folder), []);
    assert.deepEqual(found(folder, { patterns: [] }), []);
  });

  test('a pattern may name a single file', async () => {
    await using folder = await packageOf({ 'a.d.ts': '', 'b.d.ts': '' });
    assert.deepEqual(found(folder, { patterns: ['a.d.ts'] }), ['file a.d.ts']);
  });

  test('a glob looks in all folders it may mean', async () => {
    await using folder = await packageOf({ 'src/a.js': '', 'src/a.ts': '', 'lib/deep/b.js': '' });
    assert.deepEqual(found(folder, { patterns: ['**/*.js'] }), ['file lib/deep/b.js', 'file src/a.js']);
  });

  test('a negation takes out', async () => {
    await using folder = await packageOf({ '.next/a': '', '.next/cache/b': '' });
    assert.deepEqual(found(folder, { patterns: ['.next/**', '!.next/cache/**'] }), ['file .next/a']);
  });

  test('what several patterns mean is found once', async () => {
    await using folder = await packageOf({ 'dist/a/b': '' });
    assert.deepEqual(found(folder, { patterns: ['dist/a/**', 'dist', 'dist/**', './dist/a'] }), [
      'file dist/a/b',
    ]);
  });

  test('of folders only those with nothing in them are found', async () => {
    await using folder = await packageOf({ 'dist/full/a': '' });
    mkdirSync(folder.path('packages/web/dist/empty/below'), { recursive: true });
    assert.deepEqual(found(folder), ['directory dist/empty/below', 'file dist/full/a']);
  });

  test('an output folder with nothing in it is found itself', async () => {
    await using folder = await packageOf({ 'src/x': '' });
    mkdirSync(folder.path('packages/web/dist'));
    assert.deepEqual(found(folder), ['directory dist']);
  });

  test('node_modules and our own folder are no outputs, unless a pattern begins in them', async () => {
    await using folder = await packageOf({
      'dist/node_modules/a': '',
      'dist/.velocity/b': '',
      'node_modules/.cache/c': '',
    });
    assert.deepEqual(found(folder), []);
    assert.deepEqual(found(folder, { patterns: ['node_modules/.cache/**'] }), ['file node_modules/.cache/c']);
  });

  test('a file where a folder should be is found, and what should be below it is not', async () => {
    await using folder = await packageOf({ dist: 'a file' });
    assert.deepEqual(found(folder), ['file dist']);
    assert.deepEqual(found(folder, { patterns: ['dist/sub/**'] }), []);
  });

  test('a pipe is found as what cannot be kept', async () => {
    await using folder = await packageOf({ 'dist/a': '' });
    execFileSync('mkfifo', [folder.path('packages/web/dist/pipe')]);
    assert.deepEqual(found(folder), ['file dist/a', 'other dist/pipe']);
  });

  test('odd names are found as they are', async () => {
    const names = ['ü', 'a b', 'a\nb', '-rf', '[x]', '{y}', '*', '語'];
    await using folder = await packageOf(Object.fromEntries(names.map((name) => [`dist/${name}`, ''])));
    assert.deepEqual(found(folder), names.map((name) => `file dist/${name}`).sort());
  });
});

describe('links', () => {
  test('a link among the outputs is an output and is not followed', async () => {
    await using folder = await packageOf({ 'dist/a': '', 'src/x': '' });
    symlinkSync('../src', folder.path('packages/web/dist/to-folder'));
    symlinkSync('nowhere', folder.path('packages/web/dist/dangling'));
    assert.deepEqual(found(folder), ['file dist/a', 'link dist/dangling', 'link dist/to-folder']);
  });

  test('an output folder that is a link inside the workspace is entered', async () => {
    await using folder = await packageOf({ 'src/x': '' });
    folder.write({ 'shared/dist/a': '' });
    symlinkSync('../../shared/dist', folder.path('packages/web/dist'));
    assert.deepEqual(found(folder), ['file dist/a']);
  });

  test('one that leads outside is an output itself', async () => {
    await using folder = await packageOf({ 'src/x': '' });
    await using outside = await openTempFolder();
    mkdirSync(join(outside.path, 'a'));
    symlinkSync(outside.path, folder.path('packages/web/dist'));
    assert.deepEqual(found(folder), ['link dist']);
  });

  test('one above the output folder that leads inside is walked over', async () => {
    await using folder = await packageOf({ 'src/x': '' });
    folder.write({ 'shared/dist/a': '' });
    symlinkSync('../../shared', folder.path('packages/web/build'));
    assert.deepEqual(found(folder, { patterns: ['build/dist/**'] }), ['file build/dist/a']);
  });

  test('one above it that leads outside stands for all behind it', async () => {
    await using folder = await packageOf({ 'src/x': '' });
    await using outside = await openTempFolder();
    mkdirSync(join(outside.path, 'dist/a'), { recursive: true });
    symlinkSync(outside.path, folder.path('packages/web/build'));
    assert.deepEqual(found(folder, { patterns: ['build/dist/**'] }), ['link build']);
  });
});

describe('what git tracks', () => {
  const tracked = (folder: { root: string }, options: PlaceOptions): string[] =>
    placeIn(folder, options)
      .outputs.find()
      .flatMap(({ path, tracked: isTracked }) => (isTracked ? [path] : []));

  test('is found, and told from what the task makes', async () => {
    await using folder = await packageOf({ 'dist/made': '', 'dist/README.md': '' });
    assert.deepEqual(tracked(folder, { tracked: ['packages/web/dist/README.md'] }), ['dist/README.md']);
  });

  test('is known by where it really is, also behind an output folder that is a link', async () => {
    await using folder = await packageOf({ x: '' });
    folder.write({ 'shared/made': '', 'shared/kept.txt': '' });
    symlinkSync('../../shared', folder.path('packages/web/dist'));
    assert.deepEqual(tracked(folder, { tracked: ['shared/kept.txt'] }), ['dist/kept.txt']);
  });
});

describe('outputBases', () => {
  for (const [patterns, bases] of [
    [['dist/**'], ['dist']],
    [['dist/**', 'dist/types/**', '!dist/x'], ['dist']],
    [['*.tgz', 'dist/**'], ['']],
    [
      ['a/b', 'a/c/*'],
      ['a/b', 'a/c'],
    ],
    [[], []],
  ] as const)
    test(`everything that ${patterns.join(' ') || 'nothing'} means lies below ${bases.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(outputBases(patterns), bases);
    });
});
