import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWorkspace } from '../../test/rig/read-workspace.ts';
import { TempWorkspace } from '../../test/rig/temp-workspace.ts';
import { localCacheFolder } from './local-cache-folder.ts';

interface Said {
  readonly dir?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly override?: string;
}

/** The folder, with the workspace's root as `<root>`. */
async function folderFor({ dir, env = { HOME: '/home/me' }, override }: Said): Promise<string> {
  const cache = dir === undefined ? {} : { cache: { dir } };
  await using repo = await TempWorkspace.open(
    { 'velocity.yml': JSON.stringify({ version: 1, ...cache, pipeline: {} }) },
    { git: false },
  );
  return localCacheFolder(await readWorkspace(repo), env, override).replace(repo.root, '<root>');
}

describe('localCacheFolder', () => {
  test('it lies in the workspace where nothing is said', async () => {
    assert.equal(await folderFor({}), '<root>/.velocity/cache');
  });

  test('a path counts from the workspace’s root', async () => {
    assert.equal(await folderFor({ dir: 'some/cache' }), '<root>/some/cache');
    assert.equal(await folderFor({ dir: '/var/cache' }), '/var/cache');
  });

  test('a tilde is the user’s home, but only where it stands alone', async () => {
    assert.equal(await folderFor({ dir: '~/cache' }), '/home/me/cache');
    assert.equal(await folderFor({ dir: '~cache' }), '<root>/~cache');
  });

  test('"shared" is where this user’s caches are', async () => {
    assert.equal(await folderFor({ dir: 'shared' }), '/home/me/.cache/velocity');
    assert.equal(await folderFor({ dir: 'shared', env: { XDG_CACHE_HOME: '/xdg' } }), '/xdg/velocity');
  });

  test('what is said besides is stronger than the file', async () => {
    assert.equal(await folderFor({ dir: 'shared', override: '/elsewhere' }), '/elsewhere');
  });
});
