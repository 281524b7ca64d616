import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { type Command, type Task, taskId } from '../task-graph/task.ts';
import { INSIDE_VARIABLE, taskEnvironment } from './task-environment.ts';

function taskOf(kind: Command['kind'], { env = {}, directory = 'packages/web' } = {}): Task {
  return {
    id: taskId('web', 'build'),
    name: 'build',
    package: {
      name: '@shop/web',
      directory,
      manifest: {
        file: `${directory}/package.json`,
        name: '@shop/web',
        version: '1.2.3',
        scripts: {},
        dependencies: [],
        npm: {},
      },
    },
    command: { kind, steps: [] },
    inputs: undefined,
    outputs: [],
    env,
    envKeys: [],
    cache: true,
    clean: true,
    dependencies: [],
  };
}

const STEP = { name: 'prebuild', line: 'echo before' };

describe('taskEnvironment', () => {
  test('a task gets what we were given, and its own variables, which are stronger', () => {
    const env = taskEnvironment(taskOf('command', { env: { B: 'own', C: 'own' } }), '/ws', {
      A: '1',
      B: '2',
    })(STEP);
    assert.deepEqual([env['A'], env['B'], env['C']], ['1', 'own', 'own']);
  });

  test('a task is not given the key that signs artifacts, unless velocity.yml hands it on', () => {
    const given = { VELOCITY_SIGNING_KEY: 'private', A: '1' };
    const env = taskEnvironment(taskOf('command'), '/ws', given)(STEP);
    assert.deepEqual([env['A'], 'VELOCITY_SIGNING_KEY' in env], ['1', false]);
    const handedOn = taskOf('command', { env: { VELOCITY_SIGNING_KEY: 'private' } });
    assert.equal(taskEnvironment(handedOn, '/ws', given)(STEP)['VELOCITY_SIGNING_KEY'], 'private');
  });

  test('a task can tell that we run it', () => {
    assert.equal(taskEnvironment(taskOf('command'), '/ws', {})(STEP)[INSIDE_VARIABLE], '/ws');
  });

  test('the bin folders from the package up to the root come first, the nearest before all', async () => {
    await using folder = await TempWorkspace.open(
      { 'node_modules/.bin/a': '', 'packages/web/node_modules/.bin/b': '', 'packages/x': '' },
      { git: false },
    );
    const env = taskEnvironment(taskOf('command'), folder.root, { PATH: '/usr/bin:/bin' })(STEP);
    assert.deepEqual(env['PATH']?.split(':'), [
      folder.path('packages/web/node_modules/.bin'),
      folder.path('node_modules/.bin'),
      '/usr/bin',
      '/bin',
    ]);
  });

  test('a package at the root has the root’s bin folder once', async () => {
    await using folder = await TempWorkspace.open({ 'node_modules/.bin/a': '' }, { git: false });
    const env = taskEnvironment(taskOf('command', { directory: '' }), folder.root, { PATH: '/bin' })(STEP);
    assert.equal(env['PATH'], `${folder.path('node_modules/.bin')}:/bin`);
  });

  test('a path of the task’s own stands in the place of ours', () => {
    const env = taskEnvironment(taskOf('command', { env: { PATH: '/opt/bin' } }), '/ws', { PATH: '/bin' })(
      STEP,
    );
    assert.equal(env['PATH'], '/opt/bin');
  });

  test('without a path nothing stands for the current folder', async () => {
    await using folder = await TempWorkspace.open({ 'node_modules/.bin/a': '' }, { git: false });
    assert.equal(
      taskEnvironment(taskOf('command'), folder.root, {})(STEP)['PATH'],
      folder.path('node_modules/.bin'),
    );
  });

  test('a script gets what npm would tell it, step by step', () => {
    const environment = taskEnvironment(taskOf('script'), '/ws', {});
    const { PATH: _, [INSIDE_VARIABLE]: __, ...told } = environment(STEP);
    assert.deepEqual(told, {
      npm_lifecycle_event: 'prebuild',
      npm_lifecycle_script: 'echo before',
      npm_package_name: '@shop/web',
      npm_package_version: '1.2.3',
      npm_package_json: '/ws/packages/web/package.json',
      INIT_CWD: '/ws',
    });
    assert.equal(environment({ name: 'build', line: 'x' })['npm_lifecycle_event'], 'build');
  });

  test('a command is told nothing of npm', () => {
    assert.deepEqual(
      Object.keys(taskEnvironment(taskOf('command'), '/ws', {})(STEP)).filter((name) =>
        /npm|INIT/.test(name),
      ),
      [],
    );
  });
});
