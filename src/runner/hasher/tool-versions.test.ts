import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { delimiter } from 'node:path';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { toolVersions } from './tool-versions.ts';

/** A folder with a `node` that is this script. */
async function folderWithNode(script: string): Promise<TempWorkspace> {
  const folder = await TempWorkspace.open({ node: `#!/bin/sh\n${script}\n` }, { git: false });
  folder.chmod('node', 0o755);
  return folder;
}

describe('toolVersions', () => {
  test('the machine’s kind is told', async () => {
    const { os, cpu } = await toolVersions(undefined, {});
    assert.deepEqual([os, cpu], [platform(), arch()]);
  });

  test('the package manager is told as it is declared', async () => {
    const manager = { name: 'pnpm', label: 'pnpm@10.4.1', workspaceGlobs: [], lockfile: undefined } as const;
    assert.equal((await toolVersions(manager, {})).packageManager, 'pnpm@10.4.1');
    assert.equal((await toolVersions(undefined, {})).packageManager, 'none');
  });

  test('Node is the one that tasks find, and only its major version counts', async () => {
    await using folder = await folderWithNode('echo v31.7.2');
    assert.equal((await toolVersions(undefined, { PATH: folder.root })).node, '31');
  });

  test('the first on the path is the one', async () => {
    await using first = await folderWithNode('echo v31.0.0');
    await using second = await folderWithNode('echo v32.0.0');
    const path = ['/nowhere', first.root, second.root].join(delimiter);
    assert.equal((await toolVersions(undefined, { PATH: path })).node, '31');
  });

  test('the Node that runs us is known without asking', async () => {
    await using folder = await TempWorkspace.open({}, { git: false });
    symlinkSync(process.execPath, folder.path('node'));
    const { node } = await toolVersions(undefined, { PATH: folder.root });
    assert.equal(node, process.versions.node.split('.')[0]);
  });

  test('no Node, and one that cannot say its version, are none', async () => {
    await using silent = await folderWithNode('exit 1');
    await using odd = await folderWithNode('echo hello');
    for (const path of [undefined, '/nowhere', silent.root, odd.root])
      assert.equal((await toolVersions(undefined, path === undefined ? {} : { PATH: path })).node, 'none');
  });
});
