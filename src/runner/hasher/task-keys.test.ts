import assert from 'node:assert/strict';
import { cpSync, renameSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readWorkspace } from '../../../test/rig/read-workspace.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { buildTaskGraph } from '../task-graph/task-graph.ts';
import { FileDigests } from './file-digests.ts';
import { type TaskInputs, TaskKeys } from './task-keys.ts';
import type { ToolVersions } from './tool-versions.ts';

const TOOLS: ToolVersions = { os: 'linux', cpu: 'x64', node: '24', packageManager: 'npm' };

interface Circumstances {
  readonly env?: NodeJS.ProcessEnv;
  readonly tools?: Partial<ToolVersions>;
  readonly tasks?: readonly string[];
  readonly extra?: readonly string[];
}

const PIPELINE = {
  build: { depends_on: ['^build'], outputs: ['dist/**'], env: { MODE: 'fast' }, env_keys: ['API_URL'] },
  test: {},
};

function velocityFile(pipeline: object, rest: object = {}): Files {
  return { 'velocity.yml': JSON.stringify({ version: 1, project_id: 'shop', ...rest, pipeline }) };
}

/** lib reaches `left`, web reaches `right`, nobody reaches what else is given. */
function lockfile(versions: Readonly<Record<string, string>>): object {
  const installed = Object.entries(versions).map(([name, version]) => [
    `node_modules/${name}`,
    { version, integrity: `sha512-${name}-${version}` },
  ]);
  return {
    name: 'shop',
    lockfileVersion: 3,
    packages: {
      '': { name: 'shop', workspaces: ['p/*'] },
      'p/lib': { name: 'lib', dependencies: { left: '^1.0.0' } },
      'p/web': { name: 'web', dependencies: { lib: '*', right: '^1.0.0' } },
      'node_modules/lib': { resolved: 'p/lib', link: true },
      'node_modules/web': { resolved: 'p/web', link: true },
      ...Object.fromEntries(installed),
    },
  };
}

/** web depends on lib; other depends on nothing. */
const SHOP: Files = {
  ...velocityFile(PIPELINE),
  '.gitignore': 'dist/\nnode_modules/\n',
  'package.json': { name: 'shop', workspaces: ['p/*'] },
  'package-lock.json': lockfile({ left: '1.0.0', right: '1.0.0' }),
  'tsconfig.base.json': {},
  'p/lib/package.json': {
    name: 'lib',
    dependencies: { left: '^1.0.0' },
    scripts: { build: 'build-lib', test: 't' },
  },
  'p/lib/src/lib.ts': 'export {};\n',
  'p/lib/src/more.ts': 'export const more = 1;\n',
  'p/web/package.json': {
    name: 'web',
    dependencies: { lib: '*', right: '^1.0.0' },
    scripts: { build: 'build-web', test: 't' },
  },
  'p/web/src/web.ts': 'export {};\n',
  'p/other/package.json': { name: 'other', scripts: { build: 'build-other' } },
};

async function plan(
  repo: TempWorkspace,
  { env = {}, tools, tasks = ['build'], extra = [] }: Circumstances = {},
) {
  const workspace = await readWorkspace(repo);
  const graph = buildTaskGraph(workspace, {
    requested: tasks,
    packages: workspace.graph.packages,
    extraArguments: extra,
  });
  const keys = new TaskKeys(workspace, new FileDigests(repo.root, []), { ...TOOLS, ...tools }, env);
  const byId = new Map(graph.tasks.map((task) => [task.id as string, { task, ...keys.keyOf(task) }]));
  return { keys, of: (id: string) => byId.get(id) ?? assert.fail(`${id} is in the graph`) };
}

async function keysOf(repo: TempWorkspace, circumstances?: Circumstances) {
  const planned = await plan(repo, circumstances);
  return { lib: planned.of('lib#build').key, web: planned.of('web#build').key };
}

/** The keys of lib#build and web#build, before and after a change. */
async function around(change: (repo: TempWorkspace) => void, after?: Circumstances) {
  await using repo = await TempWorkspace.open(SHOP);
  const before = await keysOf(repo);
  change(repo);
  return { before, after: await keysOf(repo, after) };
}

describe('the same inputs give the same key', () => {
  test('in another folder', async () => {
    await using one = await TempWorkspace.open(SHOP);
    await using other = await TempWorkspace.open(SHOP);
    assert.deepEqual(await keysOf(one), await keysOf(other));
  });

  test('in a clone', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    await using place = await TempWorkspace.open({}, { git: false });
    repo.git('clone', '-q', repo.root, place.path('deep/er'));
    const clone = { root: place.path('deep/er') } as TempWorkspace;
    assert.deepEqual(await keysOf(clone), await keysOf(repo));
  });

  test('in a copy that is no repository', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    await using copy = await TempWorkspace.open({}, { git: false });
    cpSync(repo.root, copy.root, { recursive: true, filter: (path) => !path.endsWith('/.git') });
    assert.deepEqual(await keysOf(copy), await keysOf(repo));
  });

  const harmless: Readonly<Record<string, (repo: TempWorkspace) => void>> = {
    'files have other times': (repo) => utimesSync(repo.path('p/web/src/web.ts'), 1, 1),
    'group and others may do other things with a file': (repo) => repo.chmod('p/web/src/web.ts', 0o600),
    'another package’s file changed': (repo) => repo.write({ 'p/other/a.ts': 'new' }),
    'a file at the root that no tool reads changed': (repo) => repo.write({ 'README.md': 'new' }),
    'a file that git ignores changed': (repo) => repo.write({ 'p/web/dist/out.js': 'new' }),
    'what was new is committed': (repo) => repo.commit(),
    'velocity.yml says the same in other words': (repo) =>
      repo.write({ 'velocity.yml': `# a comment\n${repo.read('velocity.yml')}` }),
    'the pipeline has another task more': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, lint: { command: 'l' } })),
    'settings that do not change what is made are others': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, build: { ...PIPELINE.build, cache: false, clean: false } })),
    'a package that nobody here reaches is locked': (repo) =>
      repo.write({ 'package-lock.json': lockfile({ left: '1.0.0', right: '1.0.0', unreached: '1.0.0' }) }),
  };
  for (const [when, change] of Object.entries(harmless)) {
    test(`when ${when}`, async () => {
      const { before, after } = await around(change);
      assert.deepEqual(after, before);
    });
  }

  test('when a variable that is not declared changes', async () => {
    const { before, after } = await around(() => {}, { env: { HOME: '/elsewhere', USER: 'x' } });
    assert.deepEqual(after, before);
  });

  test('when other tasks run too', async () => {
    const { before, after } = await around(() => {}, { tasks: ['build', 'test'] });
    assert.deepEqual(after, before);
  });
});

describe('another input gives another key', () => {
  const telling: Readonly<Record<string, (repo: TempWorkspace) => void>> = {
    'a file’s content changes': (repo) => repo.write({ 'p/lib/src/lib.ts': 'export const a = 1;\n' }),
    'a file is added': (repo) => repo.write({ 'p/lib/src/new.ts': '' }),
    'a file is removed': (repo) => repo.remove('p/lib/src/lib.ts'),
    'a file is renamed': (repo) => renameSync(repo.path('p/lib/src/lib.ts'), repo.path('p/lib/src/bil.ts')),
    'a file becomes executable': (repo) => repo.chmod('p/lib/src/lib.ts', 0o755),
    'a file becomes a link': (repo) => {
      unlinkSync(repo.path('p/lib/src/lib.ts'));
      symlinkSync('export {};\n', repo.path('p/lib/src/lib.ts'));
    },
    'the contents of two files are swapped': (repo) => {
      const [lib, more] = [repo.read('p/lib/src/lib.ts'), repo.read('p/lib/src/more.ts')];
      repo.write({ 'p/lib/src/lib.ts': more, 'p/lib/src/more.ts': lib });
    },
    'the script changes': (repo) =>
      repo.write({
        'p/lib/package.json': { name: 'lib', dependencies: { left: '^1.0.0' }, scripts: { build: 'b2' } },
      }),
    'the pipeline gives it a command': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, build: { ...PIPELINE.build, command: 'make' } })),
    'its outputs are others': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, build: { ...PIPELINE.build, outputs: ['lib/**'] } })),
    'a variable that is set for it is another': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, build: { ...PIPELINE.build, env: { MODE: 'slow' } } })),
    'a variable more is declared, set or not': (repo) =>
      repo.write(velocityFile({ ...PIPELINE, build: { ...PIPELINE.build, env_keys: ['API_URL', 'TOKEN'] } })),
    'a variable more is declared for all': (repo) =>
      repo.write(velocityFile(PIPELINE, { global: { env_keys: ['CI'] } })),
    'the project is another': (repo) => repo.write(velocityFile(PIPELINE, { project_id: 'other' })),
    'tool configuration at the root changes': (repo) =>
      repo.write({ 'tsconfig.base.json': { strict: true } }),
    'a package it reaches is locked to another version': (repo) =>
      repo.write({ 'package-lock.json': lockfile({ left: '1.1.0', right: '1.0.0' }) }),
  };
  for (const [when, change] of Object.entries(telling)) {
    test(`when ${when}, and so for all that depend on it`, async () => {
      const { before, after } = await around(change);
      assert.notEqual(after.lib, before.lib);
      assert.notEqual(after.web, before.web);
    });
  }

  const circumstances: Readonly<Record<string, Circumstances>> = {
    'a declared variable has another value': { env: { API_URL: 'http://x' } },
    'a declared variable is empty instead of not set': { env: { API_URL: '' } },
    'the system is another': { tools: { os: 'darwin' } },
    'the processor is another': { tools: { cpu: 'arm64' } },
    'Node has another major version': { tools: { node: '26' } },
    'the package manager is another': { tools: { packageManager: 'npm@11.0.0' } },
    'it gets arguments': { extra: ['--watch=false'] },
  };
  for (const [when, changed] of Object.entries(circumstances)) {
    test(`when ${when}`, async () => {
      const { before, after } = await around(() => {}, changed);
      assert.notEqual(after.lib, before.lib);
      assert.notEqual(after.web, before.web);
    });
  }

  test('but what changes in a dependent is nothing to those it depends on', async () => {
    const { before, after } = await around((repo) => repo.write({ 'p/web/src/web.ts': 'new' }));
    assert.notEqual(after.web, before.web);
    assert.equal(after.lib, before.lib);
  });

  test('but a lock that only the dependent reaches is nothing to those it depends on', async () => {
    const { before, after } = await around((repo) =>
      repo.write({ 'package-lock.json': lockfile({ left: '1.0.0', right: '1.1.0' }) }),
    );
    assert.notEqual(after.web, before.web);
    assert.equal(after.lib, before.lib);
  });

  test('two tasks of one package have two keys even where all else is the same', async () => {
    await using repo = await TempWorkspace.open({
      ...SHOP,
      ...velocityFile({ a: { command: 'x' }, b: { command: 'x' } }),
    });
    const planned = await plan(repo, { tasks: ['web#a', 'web#b'] });
    assert.notEqual(planned.of('web#a').key, planned.of('web#b').key);
  });
});

describe('packages whose tasks do not come first', () => {
  const sourcesOf = (inputs: TaskInputs) => inputs.sources.map(([name]) => name);

  test('the sources of all packages it depends on count', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    const before = (await plan(repo, { tasks: ['web#test'] })).of('web#test');
    assert.deepEqual(sourcesOf(before.inputs), ['lib']);
    repo.write({ 'p/lib/src/lib.ts': 'new' });
    assert.notEqual((await plan(repo, { tasks: ['web#test'] })).of('web#test').key, before.key);
  });

  test('what they reach by the lockfile counts too', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    const before = (await plan(repo, { tasks: ['web#test'] })).of('web#test');
    repo.write({ 'package-lock.json': lockfile({ left: '1.1.0', right: '1.0.0' }) });
    assert.notEqual((await plan(repo, { tasks: ['web#test'] })).of('web#test').key, before.key);
  });

  test('where a task of theirs comes first its key tells of them', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    assert.deepEqual(sourcesOf((await plan(repo)).of('web#build').inputs), []);
  });

  test('where it comes first by a way round, too', async () => {
    await using repo = await TempWorkspace.open({
      ...SHOP,
      ...velocityFile({ ...PIPELINE, test: { depends_on: ['build'] } }),
    });
    assert.deepEqual(sourcesOf((await plan(repo, { tasks: ['web#test'] })).of('web#test').inputs), []);
  });

  test('who lists inputs without the default has said what counts', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    const sourcesWith = async (inputs: string[]) => {
      repo.write(velocityFile({ ...PIPELINE, test: { inputs } }));
      return sourcesOf((await plan(repo, { tasks: ['web#test'] })).of('web#test').inputs);
    };
    assert.deepEqual(await sourcesWith(['src/**']), []);
    assert.deepEqual(await sourcesWith(['$default', '!**/*.md']), ['lib']);
    assert.deepEqual(await sourcesWith(['!**/*.md']), ['lib']);
  });

  test('packages further away count too, each once, in a circle too', async () => {
    await using repo = await TempWorkspace.open({
      ...SHOP,
      'p/lib/package.json': { name: 'lib', dependencies: { other: '*' } },
      'p/other/package.json': { name: 'other', devDependencies: { lib: '*', web: '*' } },
    });
    assert.deepEqual(sourcesOf((await plan(repo, { tasks: ['web#test'] })).of('web#test').inputs), [
      'lib',
      'other',
    ]);
  });
});

describe('inputsAreUnchanged', () => {
  async function afterChange(change: (repo: TempWorkspace) => void): Promise<boolean> {
    await using repo = await TempWorkspace.open(SHOP);
    const planned = await plan(repo, { tasks: ['web#test'] });
    const { task } = planned.of('web#test');
    change(repo);
    return await planned.keys.inputsAreUnchanged(task);
  }

  test('nothing changed', async () => {
    assert.equal(await afterChange(() => {}), true);
  });

  test('what is no input may change', async () => {
    assert.equal(
      await afterChange((repo) => repo.write({ 'p/other/x.ts': '', 'p/web/dist/x.js': '' })),
      true,
    );
  });

  test('a file that was written anew with the same content is unchanged', async () => {
    assert.equal(await afterChange((repo) => repo.write({ 'p/web/src/web.ts': 'export {};\n' })), true);
  });

  const changes: Readonly<Record<string, (repo: TempWorkspace) => void>> = {
    'an input’s content': (repo) => repo.write({ 'p/web/src/web.ts': 'export { };\n' }),
    'an input’s mode': (repo) => repo.chmod('p/web/src/web.ts', 0o755),
    'an input that is gone': (repo) => repo.remove('p/web/src/web.ts'),
    'a file that counts for every task': (repo) => repo.write({ 'tsconfig.base.json': { strict: true } }),
    'a file that is new among the inputs': (repo) => repo.write({ 'p/web/src/new.ts': '' }),
    'a file that is new in a new folder': (repo) => repo.write({ 'p/web/src/new/deep/x.ts': '' }),
    'a file that is new among the sources of a package it depends on': (repo) =>
      repo.write({ 'p/lib/src/new.ts': '' }),
    'a source of a package it depends on': (repo) => repo.write({ 'p/lib/src/lib.ts': 'export { };\n' }),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`a change is seen of ${what}`, async () => {
      assert.equal(await afterChange(change), false);
    });
  }
});

describe('what is recorded of a key', () => {
  test('it holds no absolute path and no time', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    const { inputs } = (await plan(repo, { env: { API_URL: 'u' } })).of('web#build');
    assert.equal(JSON.stringify(inputs).includes(repo.root), false);
    assert.deepEqual(
      { ...inputs, files: inputs.files.map(([path, mode]) => `${mode} ${path}`) },
      {
        ...inputs,
        format: 'velocity-task-v1',
        project: 'shop',
        task: 'web#build',
        command: ['build-web'],
        outputs: ['dist/**'],
        files: ['- p/web/package.json', '- p/web/src/web.ts'],
        env: [['MODE', 'fast']],
        envKeys: [['API_URL', 'u']],
        sources: [],
        tools: TOOLS,
      },
    );
  });

  test('a task whose dependencies have no key yet is a bug', async () => {
    await using repo = await TempWorkspace.open(SHOP);
    const workspace = await readWorkspace(repo);
    const { tasks } = buildTaskGraph(workspace, {
      requested: ['web#build'],
      packages: [],
      extraArguments: [],
    });
    const keys = new TaskKeys(workspace, new FileDigests(repo.root, []), TOOLS, {});
    const last = tasks.at(-1);
    assert.throws(() => last && keys.keyOf(last), /^Error: unreachable: the key of lib#build/);
  });
});
