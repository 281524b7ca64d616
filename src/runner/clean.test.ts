import assert from 'node:assert/strict';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../../test/rig/temp-workspace.ts';
import { type CleanOptions, clean } from './clean.ts';

const REPOSITORY: Files = {
  'velocity.yml':
    'version: 1\npipeline:\n  build: { command: x, outputs: [dist/**] }\n  "//#docs": { command: x, outputs: [site/**] }\n',
  'package.json': { name: 'shop', workspaces: ['p/*'] },
  'p/web/package.json': { name: 'web' },
};

/** The paths that were removed. */
async function cleaned(repo: TempWorkspace, options: Partial<CleanOptions>): Promise<string[]> {
  const defaults = {
    root: repo.root,
    env: {},
    cacheDir: undefined,
    cache: false,
    outputs: false,
    dry: false,
  };
  const result = await clean({ ...defaults, ...options });
  assert.ok(result.ok);
  return result.value.map(({ path }) => path).sort();
}

describe('clean', () => {
  test('outputs of all packages and of the root’s own tasks are removed', async () => {
    await using repo = await TempWorkspace.open(REPOSITORY);
    repo.write({ 'p/web/dist/a': '', 'site/index.html': '', 'p/web/src/x': '', 'p/web/site/y': '' });
    assert.deepEqual(await cleaned(repo, { outputs: true }), ['p/web/dist/a', 'site/index.html']);
    assert.deepEqual(
      ['p/web/dist', 'site', 'p/web/src/x', 'p/web/site/y'].map((path) => existsSync(repo.path(path))),
      [false, false, true, true],
    );
  });

  test('what git tracks stays', async () => {
    await using repo = await TempWorkspace.open({ ...REPOSITORY, 'p/web/dist/kept': '' });
    repo.write({ 'p/web/dist/a': '' });
    assert.deepEqual(await cleaned(repo, { outputs: true }), ['p/web/dist/a']);
    assert.equal(existsSync(repo.path('p/web/dist/kept')), true);
  });

  test('what a package’s own outputs are not, though the task’s are, stays', async () => {
    await using repo = await TempWorkspace.open({
      ...REPOSITORY,
      'velocity.yml':
        'version: 1\npipeline:\n  build: { command: x, outputs: [lib/**] }\n  web#build: { outputs: [dist/**] }\n  gen: { outputs: [src/gen/**] }\n',
    });
    repo.write({ 'p/web/dist/a': '', 'p/web/lib/source': '', 'p/web/src/gen/by-hand': '' });
    assert.deepEqual(await cleaned(repo, { outputs: true }), ['p/web/dist/a']);
    assert.equal(existsSync(repo.path('p/web/lib/source')), true);
  });

  test('what lies outside behind a link is neither removed nor told', async () => {
    await using outside = await openTempFolder();
    await using repo = await TempWorkspace.open({
      ...REPOSITORY,
      'velocity.yml': 'version: 1\npipeline:\n  build: { command: x, outputs: [build/dist/**] }\n',
    });
    symlinkSync(outside.path, repo.path('p/web/build'));
    repo.write({ 'p/web/build/dist/secret': '' });
    assert.deepEqual(await cleaned(repo, { outputs: true }), []);
    assert.equal(existsSync(`${outside.path}/dist/secret`), true);
  });

  test('in a dry run all stays', async () => {
    await using repo = await TempWorkspace.open(REPOSITORY);
    repo.write({ 'p/web/dist/a': '', '.velocity/state-v1/outputs.json': '' });
    assert.deepEqual(await cleaned(repo, { outputs: true, cache: true, dry: true }), [
      '.velocity',
      'p/web/dist/a',
    ]);
    assert.equal(existsSync(repo.path('p/web/dist/a')), true);
    assert.equal(existsSync(repo.path('.velocity')), true);
  });

  test('a cache folder of one’s own keeps what is not ours', async () => {
    await using folder = await openTempFolder();
    await using repo = await TempWorkspace.open(REPOSITORY);
    repo.write({ '.velocity/x': '' });
    writeFileSync(`${folder.path}/theirs`, '');
    await cleaned(repo, { cache: true, cacheDir: folder.path });
    assert.equal(existsSync(`${folder.path}/theirs`), true);
    assert.equal(existsSync(repo.path('.velocity')), false);
  });
});
