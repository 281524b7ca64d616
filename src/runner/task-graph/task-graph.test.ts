import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readWorkspace } from '../../../test/rig/read-workspace.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { PackageGraph } from '../workspace/package-graph.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Task } from './task.ts';
import { buildTaskGraph, type TaskGraph } from './task-graph.ts';

interface Asked {
  readonly pipeline: Readonly<Record<string, unknown>>;
  readonly tasks: readonly string[];
  /** Names of the packages that a bare task name means; all where not given. */
  readonly of?: readonly string[];
  readonly extra?: readonly string[];
  /** Files that are more, or other, than `SHOP`'s. */
  readonly files?: Files;
}

/** web → ui → core; all but core have scripts. */
const SHOP = {
  'package.json': { name: 'shop', workspaces: ['p/*'], scripts: { build: 'velocity run build' } },
  'p/core/package.json': { name: 'core' },
  'p/ui/package.json': {
    name: 'ui',
    dependencies: { core: '*' },
    scripts: { build: 'build-ui', test: 'test-ui' },
  },
  'p/web/package.json': { name: 'web', dependencies: { ui: '*' }, scripts: { build: 'build-web' } },
};

function graphOf(workspace: Workspace, { tasks, of, extra = [] }: Asked): TaskGraph {
  const packages = workspace.graph.packages.filter(({ name }) => of?.includes(name) ?? true);
  return buildTaskGraph(workspace, { requested: tasks, packages, extraArguments: extra });
}

async function build(asked: Asked): Promise<TaskGraph> {
  const velocityFile = JSON.stringify({ version: 1, pipeline: asked.pipeline });
  await using folder = await TempWorkspace.open(
    { ...SHOP, 'velocity.yml': velocityFile, ...asked.files },
    { git: false },
  );
  return graphOf(await readWorkspace(folder), asked);
}

/** Each task with what it depends on: `web#build ← ui#build`. */
function shape({ tasks }: TaskGraph): string[] {
  return tasks.map(({ id, dependencies }) => {
    const needs = dependencies.map((each) => each.id).join(', ');
    return needs === '' ? id : `${id} ← ${needs}`;
  });
}

function task({ tasks }: TaskGraph, id: string): Task {
  const found = tasks.find((each) => each.id === id);
  assert.ok(found, `${id} is in the graph`);
  return found;
}

async function failure(asked: Asked): Promise<{ code: string; message: string }> {
  try {
    await build(asked);
  } catch (error) {
    assert.ok(error instanceof VelocityError);
    return { code: error.code, message: error.message };
  }
  return assert.fail('a graph was built');
}

describe('dependencies', () => {
  test('a caret makes a task wait for the same task of the packages it depends on', async () => {
    const graph = await build({
      pipeline: { build: { depends_on: ['^build'] } },
      tasks: ['build'],
      of: ['web'],
    });
    assert.deepEqual(shape(graph), ['core#build', 'ui#build ← core#build', 'web#build ← ui#build']);
  });

  test('a bare name makes it wait for another task of its package', async () => {
    const graph = await build({
      pipeline: { build: {}, test: { depends_on: ['build'] } },
      tasks: ['test'],
      of: ['ui'],
    });
    assert.deepEqual(shape(graph), ['ui#build', 'ui#test ← ui#build']);
  });

  test('a full name makes it wait for that task alone', async () => {
    const graph = await build({
      pipeline: { build: { depends_on: ['web#gen'] }, 'web#gen': { command: 'x' } },
      tasks: ['ui#build'],
    });
    assert.deepEqual(shape(graph), ['web#gen', 'ui#build ← web#gen']);
  });

  test('a task without a dependency does not bring packages in', async () => {
    const graph = await build({ pipeline: { build: {} }, tasks: ['build'], of: ['web'] });
    assert.deepEqual(shape(graph), ['web#build']);
  });

  test('what is depended on in two ways is depended on once', async () => {
    const pipeline = { build: { depends_on: ['gen', 'ui#gen', '^gen'] }, gen: { command: 'g' } };
    const graph = await build({ pipeline, tasks: ['ui#build'] });
    assert.deepEqual(shape(graph), ['ui#gen', 'core#gen', 'ui#build ← core#gen, ui#gen']);
  });

  test('a package that has nothing to run still passes on what lies behind it', async () => {
    const files = {
      'p/core/package.json': { name: 'core', scripts: { build: 'build-core' } },
      'p/ui/package.json': { name: 'ui', dependencies: { core: '*' } },
    };
    const graph = await build({
      pipeline: { build: { depends_on: ['^build'] } },
      tasks: ['web#build'],
      files,
    });
    assert.deepEqual(shape(graph), ['core#build', 'ui#build ← core#build', 'web#build ← ui#build']);
    assert.equal(task(graph, 'ui#build').command, undefined);
  });

  test('every task stands behind all it depends on, in any graph of packages', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': 'version: 1\npipeline:\n  build: { command: x, depends_on: ["^build"] }\n' },
      { git: false },
    );
    const workspace = await readWorkspace(folder);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const needs = fc.tuple(...names.map((_, index) => fc.subarray(names.slice(0, index))));
    fc.assert(
      fc.property(needs, (edges) => {
        const graph = new PackageGraph(
          names.map((name, index) => ({
            name,
            directory: name,
            manifest: {
              file: undefined,
              name,
              version: undefined,
              scripts: {},
              dependencies: (edges[index] ?? []).map((other) => ({ name: other })),
              npm: undefined,
            },
          })),
        );
        const { tasks } = graphOf({ ...workspace, graph }, { pipeline: {}, tasks: ['build'] });
        assert.equal(tasks.length, names.length);
        for (const [index, each] of tasks.entries())
          for (const dependency of each.dependencies) assert.ok(tasks.indexOf(dependency) < index);
      }),
    );
  });
});

describe('what a name on the command line means', () => {
  test('a bare name means the packages that have something to run, the root left out', async () => {
    const graph = await build({ pipeline: { build: {} }, tasks: ['build'] });
    assert.deepEqual([...graph.requested], ['ui#build', 'web#build']);
  });

  test('the root is meant where the pipeline names it', async () => {
    for (const key of ['//#build', 'shop#build']) {
      const graph = await build({ pipeline: { build: {}, [key]: { command: 'x' } }, tasks: ['build'] });
      assert.deepEqual([...graph.requested], ['shop#build', 'ui#build', 'web#build'], key);
    }
  });

  test('the root is meant where it is the only package', async () => {
    const files = { 'package.json': { name: 'alone', scripts: { build: 'tsc' } } };
    const graph = await build({ pipeline: { build: {} }, tasks: ['build'], files });
    assert.deepEqual([...graph.requested], ['alone#build']);
  });

  test('the root may be asked for by name', async () => {
    for (const name of ['//#build', 'shop#build']) {
      const graph = await build({ pipeline: { build: {} }, tasks: [name] });
      assert.deepEqual([...graph.requested], ['shop#build'], name);
    }
  });

  test('a full name means that package, whatever is filtered', async () => {
    const graph = await build({ pipeline: { build: {} }, tasks: ['web#build'], of: ['ui'] });
    assert.deepEqual([...graph.requested], ['web#build']);
  });

  test('a task that nothing runs gathers others', async () => {
    const graph = await build({
      pipeline: { ci: { depends_on: ['build', 'test'] }, build: {}, test: {} },
      tasks: ['ci'],
      of: ['ui'],
    });
    assert.deepEqual(shape(graph), ['ui#build', 'ui#test', 'ui#ci ← ui#build, ui#test']);
  });

  test('what is only needed was not asked for', async () => {
    const graph = await build({ pipeline: { build: { depends_on: ['^build'] } }, tasks: ['web#build'] });
    assert.deepEqual([...graph.requested], ['web#build']);
    assert.equal(graph.tasks.length, 3);
  });

  test('asking twice is asking once', async () => {
    const graph = await build({ pipeline: { build: {} }, tasks: ['build', 'web#build', 'build'] });
    assert.deepEqual(shape(graph), ['ui#build', 'web#build']);
  });

  test('a task that is only one package’s is known by its bare name', async () => {
    const graph = await build({ pipeline: { 'web#gen': { command: 'x' } }, tasks: ['gen'] });
    assert.deepEqual([...graph.requested], ['web#gen']);
  });
});

describe('settings', () => {
  test('a package’s own settings change single ones of the task', async () => {
    const pipeline = {
      build: { outputs: ['dist/**'], env: { A: '1' }, cache: false },
      'web#build': { outputs: ['.next/**'], depends_on: ['^build'] },
    };
    const graph = await build({ pipeline, tasks: ['build'] });
    const { outputs, env, cache, dependencies } = task(graph, 'web#build');
    assert.deepEqual({ outputs, env, cache }, { outputs: ['.next/**'], env: { A: '1' }, cache: false });
    assert.deepEqual(
      dependencies.map(({ id }) => id),
      ['ui#build'],
    );
  });

  test('other packages keep the task’s settings', async () => {
    const pipeline = { build: { outputs: ['dist/**'] }, 'web#build': { outputs: ['.next/**'] } };
    assert.deepEqual(task(await build({ pipeline, tasks: ['build'] }), 'ui#build').outputs, ['dist/**']);
  });

  test('what is not set is kept: inputs by default, cached, cleaned before', async () => {
    const { inputs, outputs, env, envKeys, cache, clean } = task(
      await build({ pipeline: { build: {} }, tasks: ['web#build'] }),
      'web#build',
    );
    assert.deepEqual(
      { inputs, outputs, env, envKeys, cache, clean },
      { inputs: undefined, outputs: [], env: {}, envKeys: [], cache: true, clean: true },
    );
  });

  test('extra arguments go to the tasks that were asked for, not to those they need', async () => {
    const graph = await build({
      pipeline: { build: { depends_on: ['^build'] } },
      tasks: ['web#build'],
      extra: ['--fast'],
    });
    assert.deepEqual(
      ['ui#build', 'web#build'].map((id) => task(graph, id).command?.steps[0]?.line),
      ['build-ui', 'build-web --fast'],
    );
  });

  test('a command gives every package something to run', async () => {
    const graph = await build({ pipeline: { lint: { command: 'eslint .' } }, tasks: ['lint'] });
    assert.deepEqual([...graph.requested], ['core#lint', 'ui#lint', 'web#lint']);
  });
});

describe('what cannot be', () => {
  test('tasks in a circle are shown with the way round', async () => {
    const pipeline = { a: { depends_on: ['b'] }, b: { depends_on: ['c'] }, c: { depends_on: ['b'] } };
    assert.deepEqual(await failure({ pipeline, tasks: ['web#a'] }), {
      code: 'TASK_CYCLE',
      message: 'These tasks depend on each other in a circle: web#b → web#c → web#b.',
    });
  });

  test('a task that depends on itself is a circle', async () => {
    const { code, message } = await failure({ pipeline: { a: { depends_on: ['a'] } }, tasks: ['web#a'] });
    assert.deepEqual([code, message.split(': ')[1]], ['TASK_CYCLE', 'web#a → web#a.']);
  });

  test('packages in a circle are one for tasks that follow them', async () => {
    const files = { 'p/core/package.json': { name: 'core', devDependencies: { ui: '*' } } };
    const { code, message } = await failure({
      pipeline: { build: { depends_on: ['^build'] } },
      tasks: ['web#build'],
      files,
    });
    assert.deepEqual([code, message.split(': ')[1]], ['TASK_CYCLE', 'ui#build → core#build → ui#build.']);
  });

  test('packages in a circle are none for tasks that do not follow them', async () => {
    const files = { 'p/core/package.json': { name: 'core', devDependencies: { ui: '*' } } };
    const graph = await build({ pipeline: { build: {} }, tasks: ['build'], files });
    assert.equal(graph.tasks.length, 2);
  });

  test('an unknown task is told with the one that was meant', async () => {
    assert.deepEqual(await failure({ pipeline: { build: {} }, tasks: ['biuld'] }), {
      code: 'TASK_UNKNOWN',
      message: 'The pipeline in velocity.yml has no task "biuld" (did you mean "build"?).',
    });
  });

  test('an unknown task unlike all others is told with the list of them', async () => {
    const { message } = await failure({ pipeline: { build: {}, 'web#gen': {} }, tasks: ['deployment'] });
    assert.equal(message, 'The pipeline in velocity.yml has no task "deployment"; it has build, gen.');
  });

  test('an unknown package is told with the one that was meant', async () => {
    assert.deepEqual(await failure({ pipeline: { build: {} }, tasks: ['wbe#build'] }), {
      code: 'TASK_UNKNOWN',
      message: 'There is no package "wbe" in this workspace (did you mean "web"?).',
    });
  });

  test('names that all objects have are no tasks', async () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      assert.equal((await failure({ pipeline: { build: {} }, tasks: [name] })).code, 'TASK_UNKNOWN');
  });
});
