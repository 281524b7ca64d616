import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../test/rig/captured-io.ts';
import { type Files, TempWorkspace } from '../../test/rig/temp-workspace.ts';
import { runCli } from './cli.ts';

const FILES: Files = {
  'velocity.yml': 'version: 1\npipeline:\n  build: { depends_on: [test] }\n  test: { depends_on: [build] }\n',
  'package.json': { name: 'shop', workspaces: ['packages/*'] },
  'packages/web/package.json': { name: 'web', scripts: { build: 'true', test: 'true' } },
};

/** A command line's exit code and complaint, in a folder of these files or one below it. */
async function call(files: Files, args: readonly string[], below = '') {
  await using folder = await TempWorkspace.open(files, { git: false });
  const io = new CapturedIo({ cwd: folder.path(below) });
  const exitCode = await runCli(args, io);
  return { exitCode, stderr: io.stderr.text };
}

describe('the exit code of what is called or configured wrongly is 2', () => {
  const { 'velocity.yml': _, ...withoutFile } = FILES;
  const twins = { 'packages/twin/package.json': { name: 'web' } };
  const cases: readonly (readonly [
    what: string,
    files: Files,
    args: readonly string[],
    complaint: RegExp,
  ])[] = [
    ['a command that is none', FILES, ['biuld'], /there is no command "biuld"/],
    ['no velocity.yml', withoutFile, ['run', 'build'], /There is no velocity\.yml/],
    ['two packages of one name', { ...FILES, ...twins }, ['run', 'build'], /Two packages are called "web"/],
    ['a task that is none', FILES, ['run', 'biuld'], /no task "biuld"/],
    ['tasks in a circle', FILES, ['run', 'build'], /circle/],
    ['a mistake in velocity.yml', { ...FILES, 'velocity.yml': 'version: 3' }, ['run', 'build'], /expected 1/],
  ];
  for (const [what, files, args, complaint] of cases)
    test(what, async () => {
      const { exitCode, stderr } = await call(files, args);
      assert.match(stderr, complaint);
      assert.equal(exitCode, 2);
    });
});

test('mistakes are shown with their lines from a folder below the root too', async () => {
  const files = { ...FILES, 'velocity.yml': 'version: 1\npipelines: {}\n' };
  for (const command of [['run', 'build'], ['clean']]) {
    const { exitCode, stderr } = await call(files, command, 'packages/web');
    assert.equal(exitCode, 2);
    assert.match(
      stderr,
      /velocity\.yml:2:1: unknown key "pipelines".*\n.*\n> 2 \| pipelines: \{\}\n {4}\| \^{9}/,
    );
  }
});
