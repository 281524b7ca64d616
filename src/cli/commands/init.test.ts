import assert from 'node:assert/strict';
import { existsSync, symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { mistakesOf } from '../../../test/rig/read-workspace.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { runCli } from '../cli.ts';

const PROJECT: Files = { 'package.json': { name: 'shop', scripts: { build: 'tsc' } } };

async function init(repo: TempWorkspace, ...flags: string[]) {
  const io = new CapturedIo({ cwd: repo.root });
  const exitCode = await runCli(['init', ...flags], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

describe('velocity init', () => {
  test('it writes a file without mistakes and says what it found', async () => {
    await using repo = await TempWorkspace.open(PROJECT);
    const { exitCode, stdout, stderr } = await init(repo);
    assert.deepEqual([exitCode, stdout], [0, '']);
    assert.match(stderr, /found: a single npm package\nwrote velocity\.yml\n/);
    assert.match(stderr, /Next: velocity run build --dry\n$/);
    assert.deepEqual(await mistakesOf(repo), []);
  });

  test('a file that is there is left as it is', async () => {
    await using repo = await TempWorkspace.open({ ...PROJECT, 'velocity.yml': 'mine' });
    const { exitCode, stderr } = await init(repo);
    assert.equal(exitCode, 1);
    assert.match(stderr, /there is a velocity\.yml already; it was left as it is/);
    assert.equal(repo.read('velocity.yml'), 'mine');
    assert.equal(existsSync(repo.path('.gitignore')), false);
  });

  test('a link to nothing in its place is left as it is', async () => {
    await using repo = await TempWorkspace.open(PROJECT);
    symlinkSync('elsewhere/velocity.yml', repo.path('velocity.yml'));
    const { exitCode, stderr } = await init(repo);
    assert.equal(exitCode, 1);
    assert.match(stderr, /it was left as it is/);
    assert.equal(existsSync(repo.path('elsewhere')), false);
  });

  test('printing writes nothing, also where there is a file', async () => {
    await using repo = await TempWorkspace.open({ ...PROJECT, 'velocity.yml': 'mine' });
    const { exitCode, stdout } = await init(repo, '--print');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^version: 1$/m);
    assert.equal(repo.read('velocity.yml'), 'mine');
  });

  test('our folder is ignored from then on, what else is ignored stays', async () => {
    await using repo = await TempWorkspace.open({ ...PROJECT, '.gitignore': 'dist' });
    await init(repo);
    assert.equal(repo.read('.gitignore'), 'dist\n.velocity/\n');
  });

  test('what is ignored already is not ignored twice', async () => {
    for (const line of ['.velocity', '.velocity/', '/.velocity', '/.velocity/']) {
      await using repo = await TempWorkspace.open(
        { ...PROJECT, '.gitignore': `dist\n${line}\n` },
        { git: false },
      );
      await init(repo);
      assert.equal(repo.read('.gitignore'), `dist\n${line}\n`);
    }
  });
});
