import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { listVisibleFiles, withFilesBelow } from './visible-files.ts';

/** Where programs are found, and nothing else. */
const ENV = { PATH: process.env['PATH'] };

/** The listing as `path` for what git tracks, `? path` for what is new. */
async function listed(root: string, env: NodeJS.ProcessEnv = ENV): Promise<string[]> {
  const { files } = await listVisibleFiles(root, env);
  return files.map(({ path, tracked }) => (tracked ? path : `? ${path}`));
}

describe('listVisibleFiles in a repository', () => {
  test('tracked and new files are listed, ignored ones are not', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': '*.log\ndist/\n', 'a.ts': '' });
    repo.write({ 'b.ts': '', 'c.log': '', 'dist/out.js': '' });
    assert.deepEqual(await listed(repo.root), ['.gitignore', 'a.ts', '? b.ts']);
    assert.equal((await listVisibleFiles(repo.root, ENV)).source, 'git');
  });

  test('a tracked file counts even where a pattern ignores it', async () => {
    await using repo = await TempWorkspace.open({ 'kept.log': '' });
    repo.write({ '.gitignore': '*.log\n' });
    assert.deepEqual(await listed(repo.root), ['? .gitignore', 'kept.log']);
  });

  test('the ignore files of folders count below them', async () => {
    await using repo = await TempWorkspace.open({ 'a/.gitignore': 'x\n', 'a/y': '', 'b/y': '' });
    repo.write({ 'a/x': '', 'b/x': '' });
    assert.deepEqual(await listed(repo.root), ['a/.gitignore', 'a/y', '? b/x', 'b/y']);
  });

  test('names are taken as they are: letters of all languages, blanks, quotes, line breaks', async () => {
    const names = [
      'a\tb',
      'a\nb',
      '"quoted"',
      "it's",
      'über/straße.ts',
      '日本/語.md',
      '🚀',
      '-dash',
      ' blank ',
    ];
    await using repo = await TempWorkspace.open(Object.fromEntries(names.map((name) => [name, ''])));
    assert.deepEqual(await listed(repo.root), names.toSorted());
  });

  test('the order is that of code units on every machine', async () => {
    await using repo = await TempWorkspace.open({ B: '', a: '', Z: '', é: '', _: '', 'b/c': '', 'b-c': '' });
    assert.deepEqual(await listed(repo.root), ['B', 'Z', '_', 'a', 'b-c', 'b/c', 'é']);
  });

  test('links are listed as files', async () => {
    await using repo = await TempWorkspace.open({ a: '' });
    symlinkSync('a', repo.path('link'));
    symlinkSync('nowhere', repo.path('dangling'));
    repo.commit();
    assert.deepEqual(await listed(repo.root), ['a', 'dangling', 'link']);
  });

  test('node_modules and our own folder are never sources, even where they are tracked', async () => {
    await using repo = await TempWorkspace.open({
      'node_modules/x/index.js': '',
      'packages/a/node_modules/y.js': '',
      '.velocity/cache/z': '',
      'packages/a/index.js': '',
    });
    assert.deepEqual(await listed(repo.root), ['packages/a/index.js']);
  });

  test('a workspace below the repository’s top lists its own files by their paths from there', async () => {
    await using repo = await TempWorkspace.open({
      outside: '',
      'work/space/a.ts': '',
      'work/space/b/c.ts': '',
    });
    assert.deepEqual(await listed(repo.path('work/space')), ['a.ts', 'b/c.ts']);
  });

  test('a file in conflict is listed once', async () => {
    await using repo = await TempWorkspace.open({ file: 'base\n' });
    repo.git('checkout', '-q', '-b', 'other');
    repo.write({ file: 'theirs\n' });
    repo.commit();
    repo.git('checkout', '-q', '-');
    repo.write({ file: 'ours\n' });
    repo.commit();
    assert.throws(() => repo.git('merge', '-q', 'other'));
    assert.deepEqual(await listed(repo.root), ['file']);
  });

  test('a repository inside this one is asked for its own files, by its own rules', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    repo.write({ 'inner/.gitignore': 'ignored\n', 'inner/tracked': '', 'inner/ignored': '' });
    repo.git('-C', 'inner', 'init', '-q');
    repo.git('-C', 'inner', 'add', '-A');
    repo.write({ 'inner/new': '' });
    assert.deepEqual(await listed(repo.root), ['a.ts', 'inner/.gitignore', '? inner/new', 'inner/tracked']);
  });

  test('the files of a submodule are sources too', async () => {
    await using library = await TempWorkspace.open({ 'package.json': { name: 'library' }, 'src/a.ts': '' });
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    repo.git(
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      library.root,
      'vendor/library',
    );
    repo.write({ 'vendor/library/new.ts': '' });
    assert.deepEqual(await listed(repo.root), [
      '.gitmodules',
      'a.ts',
      '? vendor/library/new.ts',
      'vendor/library/package.json',
      'vendor/library/src/a.ts',
    ]);
  });

  test('a submodule that is not checked out holds nothing', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    repo.git('update-index', '--add', '--cacheinfo', `160000,${repo.git('rev-parse', 'HEAD').trim()},vendor`);
    mkdirSync(repo.path('vendor'));
    assert.deepEqual(await listed(repo.root), ['a.ts']);
  });

  test('what a hook’s environment says of another repository is not heard', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    await using other = await TempWorkspace.open({ 'b.ts': '' });
    const hook = {
      ...ENV,
      GIT_DIR: other.path('.git'),
      GIT_WORK_TREE: other.root,
      GIT_INDEX_FILE: other.path('.git/index'),
      GIT_PREFIX: 'below/',
      GIT_COMMON_DIR: other.path('.git'),
      GIT_OBJECT_DIRECTORY: other.path('.git/objects'),
    };
    for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE'] as const)
      assert.deepEqual(await listed(repo.root, { ...ENV, [name]: hook[name] }), ['a.ts'], name);
    assert.deepEqual(await listed(repo.root, hook), ['a.ts']);
  });

  test('what the environment says of git’s configuration is heard', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '', ignored: 'b.ts\n' });
    repo.write({ 'b.ts': '' });
    const env = {
      ...ENV,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.excludesFile',
      GIT_CONFIG_VALUE_0: repo.path('ignored'),
    };
    assert.deepEqual(await listed(repo.root, env), ['a.ts', 'ignored']);
  });

  test('trouble of git is an error that says what git said', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    writeFileSync(repo.path('.git/index'), 'this is no index of git, but long enough to be looked at');
    await assert.rejects(listVisibleFiles(repo.root, ENV), (error: unknown) => {
      assert.ok(error instanceof VelocityError);
      assert.equal(error.code, 'WORKSPACE_INVALID');
      assert.match(error.message, /bad signature/);
      return true;
    });
  });
});

describe('listVisibleFiles without a repository', () => {
  test('every file counts as new, but for node_modules and the like', async () => {
    await using folder = await TempWorkspace.open(
      { 'b/c.ts': '', 'a.ts': '', '.env': '', 'node_modules/x.js': '', '.hg/y': '', '.velocity/z': '' },
      { git: false },
    );
    const { files, source } = await listVisibleFiles(folder.root, ENV);
    assert.deepEqual(files, [
      { path: '.env', tracked: false },
      { path: 'a.ts', tracked: false },
      { path: 'b/c.ts', tracked: false },
    ]);
    assert.equal(source, 'walk-no-git');
  });

  test('links are listed and not followed', async () => {
    await using folder = await TempWorkspace.open({ 'a/b.ts': '' }, { git: false });
    symlinkSync('..', folder.path('a/up'));
    assert.deepEqual(await listed(folder.root), ['? a/b.ts', '? a/up']);
  });

  test('a machine without git walks', async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    await using empty = await openTempFolder();
    const { source } = await listVisibleFiles(repo.root, { PATH: empty.path });
    assert.equal(source, 'walk-no-git');
  });

  test('a git that cannot be started is an error', async () => {
    await using folder = await TempWorkspace.open({ 'a.ts': '', 'bin/git': '' }, { git: false });
    await assert.rejects(listVisibleFiles(folder.root, { PATH: folder.path('bin') }), {
      code: 'WORKSPACE_INVALID',
      message: /^git could not be asked: .*EACCES/,
    });
  });

  test('git is understood whatever language it speaks', async () => {
    await using folder = await TempWorkspace.open(
      {
        'a.ts': '',
        'bin/git': [
          '#!/bin/sh',
          'if [ "$LC_ALL" = C ]; then echo "fatal: not a git repository" >&2; else echo "fatal: kein Git-Repository" >&2; fi',
          'exit 128',
        ].join('\n'),
      },
      { git: false },
    );
    chmodSync(folder.path('bin/git'), 0o755);
    const { source } = await listVisibleFiles(folder.root, { PATH: folder.path('bin') });
    assert.equal(source, 'walk-no-git');
  });
});

describe('listVisibleFiles where a repository ignores the workspace', () => {
  for (const [how, ignored] of [
    ['the folder', 'inner/\n'],
    ['a folder above it', 'inner\n'],
    ['all that is in it', 'inner/space/*\n'],
    ['all that is in it but for a file', 'inner/space/*\n!.gitkeep\n'],
  ] as const)
    test(`${how} being ignored, every file counts as new`, async () => {
      await using repo = await TempWorkspace.open({ '.gitignore': ignored });
      repo.write({ 'inner/space/velocity.yml': '', 'inner/space/.gitkeep': '', 'inner/space/src/a.ts': '' });
      const { files, source } = await listVisibleFiles(repo.path('inner/space'), ENV);
      assert.deepEqual(
        files.map(({ path, tracked }) => [path, tracked]),
        [
          ['.gitkeep', false],
          ['src/a.ts', false],
          ['velocity.yml', false],
        ],
      );
      assert.equal(source, 'walk-ignored');
    });

  test('also while some of its files are tracked, which they stay: new ones would not be seen', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'inner\n' });
    repo.write({ 'inner/velocity.yml': '' });
    repo.git('add', '--force', 'inner/velocity.yml');
    repo.write({ 'inner/a.ts': '' });
    assert.deepEqual(await listed(repo.path('inner')), ['? a.ts', 'velocity.yml']);
  });

  test('also before there is a velocity.yml', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'inner\n' });
    repo.write({ 'inner/a.ts': '' });
    assert.deepEqual(await listed(repo.path('inner')), ['? a.ts']);
  });

  test('a repository of its own in an ignored folder is asked as any other', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'inner\n' });
    repo.write({ 'inner/velocity.yml': '', 'inner/.gitignore': 'dist\n', 'inner/dist/a.js': '' });
    repo.git('-C', 'inner', 'init', '-q');
    assert.deepEqual(await listed(repo.path('inner')), ['? .gitignore', '? velocity.yml']);
  });

  test('a velocity.yml that alone is ignored changes nothing', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'velocity.yml\ndist\n', 'a.ts': '' });
    repo.write({ 'velocity.yml': '', 'dist/a.js': '' });
    assert.deepEqual(await listed(repo.root), ['.gitignore', 'a.ts']);
  });

  test('a repository that ignores all but what it names is asked as any other', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': '*\n!*.ts\n!velocity.yml\n!inner/\n' });
    repo.write({ 'inner/velocity.yml': '', 'inner/a.ts': '', 'inner/a.js': '' });
    assert.deepEqual(await listed(repo.path('inner')), ['? a.ts', '? velocity.yml']);
  });
});

describe('a name that is not valid UTF-8', () => {
  const latin1 = (name: string): Buffer => Buffer.from(name, 'latin1');

  /** Makes a file whose path below the root is these bytes. */
  function writeBytes({ root }: TempWorkspace, path: string): void {
    writeFileSync(Buffer.concat([latin1(`${root}/`), latin1(path)]), '');
  }

  async function complaint(repo: TempWorkspace): Promise<string> {
    const error: unknown = await listVisibleFiles(repo.root, ENV).then(
      () => assert.fail('it was listed'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'WORKSPACE_INVALID');
    return error.message;
  }

  const skip = process.platform === 'linux' ? false : 'this system takes no such names';

  test('of a new file is an error that shows it and says what to do', { skip }, async () => {
    await using repo = await TempWorkspace.open({ 'ü/a.ts': '' });
    writeBytes(repo, `${Buffer.from('ü/').toString('latin1')}caf\xe9.txt`);
    assert.equal(
      await complaint(repo),
      'The name of ü/caf\\xe9.txt is not valid UTF-8. Rename it, or let git ignore it.',
    );
    repo.write({ '.gitignore': 'caf*\n' });
    assert.deepEqual(await listed(repo.root), ['? .gitignore', 'ü/a.ts']);
  });

  test('of a tracked file is one too, and to ignore it would not help', { skip }, async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    writeBytes(repo, '\xff');
    repo.commit();
    assert.equal(await complaint(repo), 'The name of \\xff is not valid UTF-8. Rename it.');
  });

  test('in a repository inside this one is shown from the root', { skip }, async () => {
    await using repo = await TempWorkspace.open({ 'a.ts': '' });
    repo.write({ 'inner/b.ts': '' });
    repo.git('-C', 'inner', 'init', '-q');
    writeBytes(repo, 'inner/\xff');
    assert.match(await complaint(repo), /^The name of inner\/\\xff is/);
  });

  test('without git, of a file or a folder, is one too', { skip }, async () => {
    for (const path of ['\xff', '\xff/a']) {
      await using folder = await TempWorkspace.open({ 'a.ts': '' }, { git: false });
      if (path.includes('/')) mkdirSync(Buffer.concat([latin1(`${folder.root}/`), latin1('\xff')]));
      writeBytes(folder, path);
      assert.equal(await complaint(folder), 'The name of \\xff is not valid UTF-8. Rename it.');
    }
  });

  test('below node_modules is nobody’s business', { skip }, async () => {
    await using repo = await TempWorkspace.open({ 'node_modules/a.js': '', 'b.ts': '' });
    writeBytes(repo, 'node_modules/\xff');
    assert.deepEqual(await listed(repo.root), ['b.ts']);
  });
});

describe('withFilesBelow', () => {
  test('the files of folders come in among the others, as new ones', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'gen\n', 'a.ts': '', 'z.ts': '' });
    repo.write({ 'gen/b/c.ts': '', 'gen/node_modules/x.js': '' });
    const { files } = await listVisibleFiles(repo.root, ENV);
    assert.deepEqual(
      withFilesBelow(files, repo.root, ['gen']).map(({ path, tracked }) => (tracked ? path : `? ${path}`)),
      ['.gitignore', 'a.ts', '? gen/b/c.ts', 'z.ts'],
    );
  });
});
