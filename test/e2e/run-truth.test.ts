/** Ways to a wrong hit, or to lost work, that were found once: none may come back. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CliProcess, type CliResult, velocity } from '../rig/cli.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';
import { until } from '../rig/until.ts';

interface PackageOptions {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly version?: string;
}

function packageFile(name: string, options: PackageOptions): Files {
  return { [`packages/${name}/package.json`]: { name, version: '1.0.0', ...options } };
}

function repository(pipeline: object, files: Files): Files {
  return {
    'velocity.yml': JSON.stringify({ version: 1, pipeline }),
    'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
    '.gitignore': 'dist\n.velocity\nnode_modules\n/signal-*\n',
    ...files,
  };
}

function run(workspace: TempWorkspace, ...args: string[]): Promise<CliResult> {
  return velocity(['run', ...args], { cwd: workspace.root });
}

async function green(workspace: TempWorkspace, ...args: string[]): Promise<CliResult> {
  const result = await run(workspace, ...args);
  assert.equal(result.exitCode, 0, result.stderr);
  return result;
}

/** A step of a script that tells the test it is there and waits for its word. */
function pauseAs(name: string): string {
  return `touch ../../signal-${name}; while [ ! -e ../../signal-${name}-go ]; do sleep 0.02; done`;
}

async function reached(workspace: TempWorkspace, name: string): Promise<void> {
  await until(async () => existsSync(workspace.path(`signal-${name}`)));
}

function letGo(workspace: TempWorkspace, name: string): void {
  workspace.write({ [`signal-${name}-go`]: '' });
}

describe('what a dependency did not keep, its dependents do not keep', () => {
  const LIB_AND_WEB = (build: string): Files => ({
    ...packageFile('lib', { scripts: { build } }),
    'packages/lib/src.txt': 'ONE',
    ...packageFile('web', {
      dependencies: { lib: '1.0.0' },
      scripts: { build: 'mkdir -p dist; cat ../lib/dist/out > dist/bundle || echo fallback > dist/bundle' },
    }),
  });
  const BUILD = { build: { depends_on: ['^build'], outputs: ['dist/**'] } };

  test('a source of the dependency changed while it was built', async () => {
    const build = `${pauseAs('lib')}; mkdir -p dist; cp src.txt dist/out`;
    await using workspace = await TempWorkspace.open(repository(BUILD, LIB_AND_WEB(build)));
    const first = new CliProcess(['run', 'build'], { cwd: workspace.root });
    await reached(workspace, 'lib');
    workspace.write({ 'packages/lib/src.txt': 'TWO' });
    letGo(workspace, 'lib');
    const { stdout, stderr } = await first.result;
    assert.match(stderr, /lib#build: its input files changed/);
    assert.match(stdout + stderr, /web#build: .*not cached: a task it needs was not kept/);

    workspace.write({ 'packages/lib/src.txt': 'ONE' });
    await green(workspace, 'build');
    assert.equal(workspace.read('packages/web/dist/bundle'), 'ONE');
  });

  test('the dependency failed and the run went on', async () => {
    const build = 'test -z "$FLAKY" && mkdir -p dist && cp src.txt dist/out';
    await using workspace = await TempWorkspace.open(repository(BUILD, LIB_AND_WEB(build)));
    const flaky = await velocity(['run', 'build', '--continue'], {
      cwd: workspace.root,
      env: { FLAKY: '1' },
    });
    assert.equal(flaky.exitCode, 1);
    assert.equal(workspace.read('packages/web/dist/bundle'), 'fallback\n');
    await green(workspace, 'build');
    assert.equal(workspace.read('packages/web/dist/bundle'), 'ONE');
  });
});

test('of two runs at once one waits, and what is kept is whole', async () => {
  const build = `mkdir -p dist; cp src.txt dist/a; ${pauseAs('build')}; mkdir -p dist; cp src.txt dist/b`;
  await using workspace = await TempWorkspace.open(
    repository(
      { build: { outputs: ['dist/**'] } },
      { ...packageFile('one', { scripts: { build } }), 'packages/one/src.txt': 'x' },
    ),
  );
  const first = new CliProcess(['run', 'build'], { cwd: workspace.root });
  await reached(workspace, 'build');
  const second = new CliProcess(['run', 'build'], { cwd: workspace.root });
  await until(async () => second.stderr.includes('another run works in packages/one/dist'));
  letGo(workspace, 'build');
  assert.match((await first.result).stderr, /1 ran/);
  assert.match((await second.result).stderr, /1 hit \(1 local\)/);
  workspace.remove('packages/one/dist');
  assert.match((await green(workspace, 'build')).stderr, /1 hit \(1 local\)/);
  assert.deepEqual(
    ['a', 'b'].map((name) => workspace.read(`packages/one/dist/${name}`)),
    ['x', 'x'],
  );
});

test('a place whose holder was killed is free', async () => {
  await using workspace = await TempWorkspace.open(
    repository(
      { build: { outputs: ['dist/**'] } },
      packageFile('one', { scripts: { build: `mkdir -p dist; ${pauseAs('build')}; echo x > dist/a` } }),
    ),
  );
  const first = new CliProcess(['run', 'build'], { cwd: workspace.root });
  await reached(workspace, 'build');
  first.child.kill('SIGKILL');
  await first.result;
  letGo(workspace, 'build');
  const { stderr } = await green(workspace, 'build');
  assert.doesNotMatch(stderr, /another run/);
});

describe('what git tracks is a source, whatever a pattern says', () => {
  const PIPELINE = { build: { outputs: ['dist/**'] } };
  const ONE = packageFile('one', { scripts: { build: 'mkdir -p dist; cp src.txt dist/out' } });

  test('a hit leaves edits and new files alone, and they count as inputs', async () => {
    await using workspace = await TempWorkspace.open({
      ...repository(PIPELINE, { ...ONE, 'packages/one/src.txt': 'a' }),
      '.gitignore': '.velocity\n',
      'packages/one/dist/hand.d.ts': 'hand',
    });
    await green(workspace, 'build');
    workspace.write({ 'packages/one/dist/hand.d.ts': 'EDIT' });
    assert.match((await green(workspace, 'build')).stderr, /1 ran/);
    workspace.remove('packages/one/dist/out');
    assert.match((await green(workspace, 'build')).stderr, /1 hit \(1 local\)/);
    assert.equal(workspace.read('packages/one/dist/hand.d.ts'), 'EDIT');
    assert.equal(workspace.read('packages/one/dist/out'), 'a');
  });

  test('what the task makes and somebody commits is kept and restored', async () => {
    await using workspace = await TempWorkspace.open({
      ...repository(PIPELINE, { ...ONE, 'packages/one/src.txt': 'new' }),
      '.gitignore': '.velocity\n',
      'packages/one/dist/out': 'committed',
    });
    assert.match((await green(workspace, 'build')).stderr, /1 ran/);
    workspace.write({ 'packages/one/dist/out': 'committed' });
    assert.match((await green(workspace, 'build')).stderr, /1 hit \(1 local\)/);
    assert.equal(workspace.read('packages/one/dist/out'), 'new');
  });

  test('also behind an output folder that is a link', async () => {
    await using workspace = await TempWorkspace.open({
      ...repository(PIPELINE, { ...ONE, 'packages/one/src.txt': 'a', 'shared/kept.txt': 'kept' }),
      '.gitignore': '.velocity\n',
    });
    symlinkSync('../../shared', workspace.path('packages/one/dist'));
    await green(workspace, 'build');
    assert.equal(workspace.read('shared/kept.txt'), 'kept');
  });
});

describe('what a key takes in', () => {
  /** Runs, changes something that matters, and runs again: the second run must not be a hit. */
  async function misses(
    files: Files,
    change: (workspace: TempWorkspace) => void,
    task = 'web#test',
  ): Promise<void> {
    await using workspace = await TempWorkspace.open(files);
    await green(workspace, task);
    change(workspace);
    assert.doesNotMatch((await green(workspace, task)).stderr, new RegExp(`^${task}: (unchanged|hit)`, 'm'));
  }

  test('sources of a dependency whose own task counts one file of them', async () => {
    const files = repository(
      { codegen: { inputs: ['schema.graphql'] }, test: { depends_on: ['^codegen'] } },
      {
        ...packageFile('lib', {}),
        'packages/lib/src.txt': 'ONE',
        ...packageFile('web', { dependencies: { lib: '*' }, scripts: { test: 'cat ../lib/src.txt' } }),
      },
    );
    await misses(files, (workspace) => workspace.write({ 'packages/lib/src.txt': 'TWO' }));
  });

  test('the lockfile, for a package without a manifest', async () => {
    const lockfile = (version: string): object => ({
      lockfileVersion: 3,
      packages: {
        '': { name: 'root', dependencies: { marked: '^1.0.0' } },
        'node_modules/marked': { version, integrity: `sha512-${version}` },
      },
    });
    const files: Files = {
      'velocity.yml': JSON.stringify({
        version: 1,
        packages: ['docs'],
        pipeline: { 'docs#build': { command: 'cat page.md' } },
      }),
      'package.json': { name: 'root', private: true, dependencies: { marked: '^1.0.0' } },
      'package-lock.json': lockfile('1.0.0'),
      'docs/page.md': '# page',
    };
    await misses(
      files,
      (workspace) => workspace.write({ 'package-lock.json': lockfile('1.2.0') }),
      'docs#build',
    );
  });

  test('what a link leads to, file or folder', async () => {
    for (const [target, changed] of [
      ['../../shared/conf.txt', 'shared/conf.txt'],
      ['../../shared', 'shared/deep/conf.txt'],
    ] as const) {
      await using workspace = await TempWorkspace.open(
        repository(
          { test: {} },
          {
            ...packageFile('web', { scripts: { test: 'ls conf' } }),
            'shared/conf.txt': 'ONE',
            'shared/deep/conf.txt': 'ONE',
          },
        ),
      );
      symlinkSync(target, workspace.path('packages/web/conf'));
      await green(workspace, 'test');
      assert.match((await green(workspace, 'test')).stderr, /unchanged/);
      workspace.write({ [changed]: 'TWO' });
      assert.match((await green(workspace, 'test')).stderr, /1 ran/, target);
    }
  });

  test('the package’s version, which scripts are told', async () => {
    const web = (version: string): Files =>
      packageFile('web', { version, scripts: { test: 'echo $npm_package_version' } });
    await misses(
      repository({ test: { inputs: ['src/**'] } }, { ...web('1.0.0'), 'packages/web/src/a': '' }),
      (workspace) => workspace.write(web('2.0.0')),
    );
  });

  test('a file in a folder that only another package’s task makes', async () => {
    const files = repository(
      { build: { outputs: ['lib/**'] }, 'web#build': { outputs: ['dist/**'] } },
      packageFile('web', { scripts: { build: 'mkdir -p dist; cat lib/new > dist/o || true' } }),
    );
    await misses(
      files,
      (workspace) => {
        mkdirSync(workspace.path('packages/web/lib'));
        workspace.write({ 'packages/web/lib/new': 'NEW' });
      },
      'web#build',
    );
  });
});

describe('what changes while a task runs keeps its result from the cache', () => {
  for (const [what, path] of [
    ['a file that is new among the inputs', 'packages/one/src/b'],
    ['the lockfile', 'package-lock.json'],
  ] as const)
    test(what, async () => {
      const lockfile = (version: string): object => ({
        lockfileVersion: 3,
        packages: { '': {}, 'packages/one': { version } },
      });
      await using workspace = await TempWorkspace.open(
        repository(
          { build: { outputs: ['dist/**'] } },
          {
            ...packageFile('one', {
              scripts: { build: `${pauseAs('build')}; mkdir -p dist; cat src/* > dist/all` },
            }),
            'packages/one/src/a': '1',
            'package-lock.json': lockfile('1.0.0'),
          },
        ),
      );
      const first = new CliProcess(['run', 'build'], { cwd: workspace.root });
      await reached(workspace, 'build');
      workspace.write({ [path]: path.endsWith('.json') ? lockfile('1.0.1') : '2' });
      letGo(workspace, 'build');
      assert.match((await first.result).stderr, /its input files changed while it ran/);
    });
});

describe('tasks that write into one folder', () => {
  const FILES = repository(
    { build: { outputs: ['dist/**'] }, types: { depends_on: ['build'], outputs: ['dist/types/**'] } },
    {
      ...packageFile('one', {
        scripts: {
          build: 'mkdir -p dist; cp src/a dist/out',
          types: 'mkdir -p dist/types; for f in src/*; do cp $f dist/types/; done',
        },
      }),
      'packages/one/src/a': 'v1',
      'packages/one/src/b': 'v1',
    },
  );

  test('neither keeps the other’s files, and a hit of both is exact', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    await green(workspace, 'types');
    workspace.remove('packages/one/src/b');
    workspace.write({ 'packages/one/src/a': 'v2' });
    await green(workspace, 'build');
    workspace.remove('packages/one/dist');
    assert.match((await green(workspace, 'build')).stderr, /1 hit/);
    assert.equal(existsSync(workspace.path('packages/one/dist/types')), false);
    await green(workspace, 'types');
    assert.equal(existsSync(workspace.path('packages/one/dist/types/b')), false);
    assert.equal(workspace.read('packages/one/dist/types/a'), 'v2');
  });

  test('with nothing changed nothing is moved', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    await green(workspace, 'types');
    workspace.write({ 'packages/one/src/a': 'v2' });
    await green(workspace, 'types');
    assert.match((await green(workspace, 'types')).stderr, /2 hits \(2 unchanged\)/);
    assert.equal(workspace.read('packages/one/dist/types/a'), 'v2');
  });

  test('what a task without a cache wiped is brought back', async () => {
    await using workspace = await TempWorkspace.open({
      ...FILES,
      'velocity.yml': JSON.stringify({
        version: 1,
        pipeline: {
          build: { cache: false },
          types: { depends_on: ['build'], outputs: ['dist/types/**'] },
        },
      }),
    });
    workspace.write(
      packageFile('one', {
        scripts: { build: 'rm -rf dist; mkdir dist', types: 'mkdir -p dist/types; cp src/a dist/types' },
      }),
    );
    await green(workspace, 'types');
    await green(workspace, 'types');
    assert.equal(workspace.read('packages/one/dist/types/a'), 'v1');
  });
});
