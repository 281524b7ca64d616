import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readWorkspace } from '../../../test/rig/read-workspace.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { buildTaskGraph } from '../task-graph/task-graph.ts';
import { PackageSources } from './package-sources.ts';

type Pipeline = Readonly<Record<string, object>>;

const REPOSITORY = {
  '.gitignore': 'dist/\n.env.local\ngenerated/\n',
  'package.json': { name: 'shop', workspaces: ['p/*'] },
  'package-lock.json': { lockfileVersion: 3, packages: {} },
  'shared/a.json': '',
  'shared/b.md': '',
  'p/lib/package.json': { name: 'lib' },
  'p/lib/src/lib.ts': '',
  'p/web/package.json': { name: 'web', dependencies: { lib: '*' } },
  'p/web/src/web.ts': '',
  'p/web/src/web.test.ts': '',
  'p/web/README.md': '',
};

function velocityFile(pipeline: Pipeline, rest: object = {}): Files {
  return { 'velocity.yml': JSON.stringify({ version: 1, ...rest, pipeline }) };
}

/** The input files of a task. */
async function inputsOf(repo: TempWorkspace, pipeline: Pipeline, id: string): Promise<readonly string[]> {
  repo.write(velocityFile(pipeline));
  const workspace = await readWorkspace(repo);
  const { tasks } = buildTaskGraph(workspace, { requested: [id], packages: [], extraArguments: [] });
  const task = tasks.find((each) => each.id === id);
  assert.ok(task);
  return new PackageSources(workspace).inputsOf(task);
}

async function inputsWith(settings: object, more: Files = {}, id = 'web#build'): Promise<readonly string[]> {
  await using repo = await TempWorkspace.open(REPOSITORY);
  repo.write(more);
  return await inputsOf(repo, { build: { command: 'x', ...settings } }, id);
}

async function globalsWith(rest: object, files: Files): Promise<readonly string[]> {
  await using repo = await TempWorkspace.open({ ...files, ...velocityFile({}, rest) });
  return new PackageSources(await readWorkspace(repo)).global();
}

const WEB = ['p/web/README.md', 'p/web/package.json', 'p/web/src/web.test.ts', 'p/web/src/web.ts'];

describe('inputs by default', () => {
  test('all of the package’s files that git tracks or would track', async () => {
    const more = { 'p/web/new.ts': '', 'p/web/.env.local': '', 'p/web/dist/out.js': '' };
    assert.deepEqual(await inputsWith({}, more), [...WEB, 'p/web/new.ts'].sort());
  });

  test('files of packages further down belong to those', async () => {
    const inputs = await inputsWith({}, {}, 'shop#build');
    assert.deepEqual(inputs, ['.gitignore', 'package.json', 'shared/a.json', 'shared/b.md']);
  });

  test('velocity.yml and the lockfile count in their own ways, so not as files', async () => {
    const inputs = await inputsWith({}, {}, 'shop#build');
    assert.deepEqual(
      inputs.filter((path) => /velocity|lock/.test(path)),
      [],
    );
  });

  test('what the package’s tasks make is no input, even where git does not ignore it', async () => {
    const more = { 'p/web/out/a.js': '', 'p/web/coverage/b': '' };
    await using repo = await TempWorkspace.open(REPOSITORY);
    repo.write(more);
    const pipeline = {
      build: { command: 'x', outputs: ['out/**'] },
      test: { command: 'x', outputs: ['coverage/**'] },
    };
    assert.deepEqual(await inputsOf(repo, pipeline, 'web#build'), WEB);
  });

  test('what another package’s own task makes is of no matter here', async () => {
    await using repo = await TempWorkspace.open({ ...REPOSITORY, 'p/web/out/a.js': '' });
    repo.write({ 'p/web/out/b.js': '' });
    const pipeline = { build: { command: 'x' }, 'lib#build': { command: 'x', outputs: ['out/**'] } };
    const inputs = await inputsOf(repo, pipeline, 'web#build');
    assert.deepEqual(
      inputs.filter((path) => path.includes('/out/')),
      ['p/web/out/a.js', 'p/web/out/b.js'],
    );
  });

  test('what a task of the root makes is no input of the root, whichever way the task names it', async () => {
    for (const key of ['//#gen', 'shop#gen']) {
      await using repo = await TempWorkspace.open(REPOSITORY);
      repo.write({ 'made/x': '' });
      const inputs = await inputsOf(
        repo,
        { build: { command: 'x' }, [key]: { command: 'x', outputs: ['made/**'] } },
        'shop#build',
      );
      assert.equal(inputs.includes('made/x'), false, key);
    }
  });

  test('a tracked file among another task’s outputs is a source', async () => {
    await using repo = await TempWorkspace.open({ ...REPOSITORY, 'p/web/gen/kept.ts': '' });
    const pipeline = { build: { command: 'x' }, gen: { command: 'x', outputs: ['gen/**'] } };
    assert.ok((await inputsOf(repo, pipeline, 'web#build')).includes('p/web/gen/kept.ts'));
  });

  test('they are the same whatever else is asked for', async () => {
    await using repo = await TempWorkspace.open(REPOSITORY);
    repo.write({ 'p/web/out/a.js': '', 'p/web/out2/b.js': '' });
    const pipeline = {
      build: { command: 'x', outputs: ['out/**'] },
      bundle: { command: 'y', outputs: ['out2/**'] },
      all: { depends_on: ['build', 'bundle'] },
    };
    const alone = await inputsOf(repo, pipeline, 'web#build');
    const workspace = await readWorkspace(repo);
    const { tasks } = buildTaskGraph(workspace, { requested: ['web#all'], packages: [], extraArguments: [] });
    const together = tasks.find(({ id }) => id === 'web#build');
    assert.deepEqual(together && new PackageSources(workspace).inputsOf(together), alone);
  });
});

describe('inputs as listed', () => {
  test('globs count from the package’s folder and decide alone', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['src/**'] }), ['p/web/src/web.test.ts', 'p/web/src/web.ts']);
  });

  test('$default stands for what they would be without the list', async () => {
    assert.deepEqual(
      await inputsWith({ inputs: ['$default', '!**/*.md'] }),
      WEB.filter((path) => !path.endsWith('.md')),
    );
  });

  test('negations alone take out of the default', async () => {
    assert.deepEqual(
      await inputsWith({ inputs: ['!**/*.test.ts'] }),
      WEB.filter((path) => !path.includes('.test.')),
    );
  });

  test('the last pattern that matches decides', async () => {
    const inputs = ['src/**', '!src/*.test.ts', 'src/web.test.ts'];
    assert.deepEqual(await inputsWith({ inputs }), ['p/web/src/web.test.ts', 'p/web/src/web.ts']);
  });

  test('a leading slash counts from the workspace’s root', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['/shared/**', '!/shared/*.md', 'README.md'] }), [
      'p/web/README.md',
      'shared/a.json',
    ]);
  });

  test('an anchored pattern changes nothing about what the others mean', async () => {
    const alone = await inputsWith({ inputs: ['**/*.json'] }, {}, 'shop#build');
    const beside = await inputsWith({ inputs: ['**/*.json', '/shared/b.md'] }, {}, 'shop#build');
    assert.deepEqual(beside, [...alone, 'shared/b.md'].sort());
  });

  test('the root may list files of the packages below it', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['p/*/src/**', '!**/*.test.ts'] }, {}, 'shop#build'), [
      'p/lib/src/lib.ts',
      'p/web/src/web.ts',
    ]);
  });

  test('a file that git ignores counts where it is named', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['.env.local'] }, { 'p/web/.env.local': '' }), [
      'p/web/.env.local',
    ]);
  });

  test('a named file may be ignored and outside the package', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['/.env.local'] }, { '.env.local': '' }), ['.env.local']);
  });

  test('a folder of which git sees nothing counts where a glob begins with it', async () => {
    const more = {
      'p/web/generated/a.ts': '',
      'p/web/generated/b.md': '',
      'p/web/generated/node_modules/c.ts': '',
    };
    assert.deepEqual(await inputsWith({ inputs: ['generated/**/*.ts'] }, more), ['p/web/generated/a.ts']);
  });

  test('a named link to nothing is an input all the same', async () => {
    await using repo = await TempWorkspace.open(REPOSITORY);
    symlinkSync('nowhere', repo.path('p/web/.env.local'));
    assert.deepEqual(await inputsOf(repo, { build: { command: 'x', inputs: ['.env.local'] } }, 'web#build'), [
      'p/web/.env.local',
    ]);
  });

  test('a name that nothing has means nothing', async () => {
    assert.deepEqual(await inputsWith({ inputs: ['gone.ts', 'package.json/below'] }), []);
  });

  test('the task’s own outputs are never among them, even where a pattern means them', async () => {
    const more = { 'p/web/src/gen/a.ts': '', 'p/web/dist/b.js': '' };
    const settings = { inputs: ['src/**', 'dist/**', '/p/web/dist/**'], outputs: ['src/gen/**', 'dist/**'] };
    assert.deepEqual(await inputsWith(settings, more), ['p/web/src/web.test.ts', 'p/web/src/web.ts']);
  });

  test('outputs in packages further down are the root’s own all the same', async () => {
    const settings = { inputs: ['/p/*/made/**', '/shared/a.json'], outputs: ['p/*/made/**'] };
    assert.deepEqual(await inputsWith(settings, { 'p/web/made/x': '' }, 'shop#build'), ['shared/a.json']);
  });

  test('a folder whose name begins as another’s is another', async () => {
    const more = { 'p/web/src-old/x.ts': '', 'p/web2/src/y.ts': '' };
    assert.deepEqual(await inputsWith({ inputs: ['src', '/p/lib'] }, more), [
      'p/lib/package.json',
      'p/lib/src/lib.ts',
      'p/web/src/web.test.ts',
      'p/web/src/web.ts',
    ]);
  });
});

describe('of', () => {
  test('a package’s sources are its files without what its tasks make', async () => {
    await using repo = await TempWorkspace.open({
      ...REPOSITORY,
      ...velocityFile({ build: { command: 'x', outputs: ['out/**'] } }),
    });
    repo.write({ 'p/web/out/a.js': '' });
    const workspace = await readWorkspace(repo);
    const web = workspace.graph.get('web');
    assert.deepEqual(web && new PackageSources(workspace).of(web), WEB);
  });
});

describe('global', () => {
  const FILES = {
    'tsconfig.base.json': '',
    'eslint.config.mjs': '',
    '.babelrc': '',
    '.prettierrc.json': '',
    '.npmrc': '',
    'README.md': '',
    'p/web/tsconfig.json': '',
    'p/web/vite.config.ts': '',
  };

  test('tool configuration at the root counts for every task, that of packages does not', async () => {
    assert.deepEqual(await globalsWith({}, FILES), [
      '.babelrc',
      '.npmrc',
      '.prettierrc.json',
      'eslint.config.mjs',
      'tsconfig.base.json',
    ]);
  });

  test('a list of one’s own takes the place of it', async () => {
    assert.deepEqual(
      await globalsWith({ global: { inputs: ['README.md', '/p/**', '!p/web/vite.config.ts'] } }, FILES),
      ['README.md', 'p/web/tsconfig.json'],
    );
  });

  test('an empty list is a list', async () => {
    assert.deepEqual(await globalsWith({ global: { inputs: [] } }, FILES), []);
  });

  test('an ignored file counts where it is named', async () => {
    await using repo = await TempWorkspace.open({
      '.gitignore': '.env\n',
      ...velocityFile({}, { global: { inputs: ['.env'] } }),
    });
    repo.write({ '.env': '' });
    assert.deepEqual(new PackageSources(await readWorkspace(repo)).global(), ['.env']);
  });
});
