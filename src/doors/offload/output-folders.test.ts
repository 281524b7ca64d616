import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { openOutput } from './output-folders.ts';

async function openPlaces() {
  const folder = await openTempFolder();
  const at = (...names: string[]): string => join(folder.path, ...names);
  mkdirSync(at('out', 'deep'), { recursive: true });
  mkdirSync(at('outside'));
  writeFileSync(at('out', 'deep', 'rr'), 'binary');
  writeFileSync(at('outside', 'secret'), 'secret');
  return { at, folder, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function contentOf(path: string, folders: readonly string[]): Promise<string> {
  const file = await openOutput(path, folders);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

describe('what a build server names', () => {
  test('is opened where it lies in an output folder, though folder and file be reached by links', async () => {
    await using places = await openPlaces();
    const { at } = places;
    symlinkSync(at('out'), at('link'));
    symlinkSync('deep/rr', at('out', 'latest'));
    for (const path of [at('out', 'deep', 'rr'), at('link', 'deep', 'rr'), at('out', 'latest')])
      for (const root of ['out', 'link'])
        assert.equal(await contentOf(path, [at('none'), at(root)]), 'binary');
  });

  const refused: Record<string, (at: (...names: string[]) => string) => string> = {
    'lies elsewhere': (at) => at('outside', 'secret'),
    'leaves the folder by ..': (at) => `${at('out')}/../outside/secret`,
    'leaves it by a link': (at) => {
      symlinkSync(at('outside', 'secret'), at('out', 'rr'));
      return at('out', 'rr');
    },
    'leaves it by a link to a folder': (at) => {
      symlinkSync(at('outside'), at('out', 'way'));
      return at('out', 'way', 'secret');
    },
    'lies in a folder whose name only begins alike': (at) => {
      mkdirSync(at('out-2'));
      writeFileSync(at('out-2', 'rr'), '');
      return at('out-2', 'rr');
    },
    'is the folder itself': (at) => at('out'),
    'is a folder in it': (at) => at('out', 'deep'),
    'is a pipe that nobody writes to': (at) => {
      execFileSync('mkfifo', [at('out', 'pipe')]);
      return at('out', 'pipe');
    },
    'is relative': () => 'out/deep/rr',
    'has a NUL': (at) => `${at('out', 'deep', 'rr')}\0.txt`,
  };
  for (const [what, pathOf] of Object.entries(refused))
    test(`is refused where it ${what}`, async () => {
      await using places = await openPlaces();
      await assert.rejects(openOutput(pathOf(places.at), [places.at('out')]), {
        code: 'BUILD_OUTPUT_REFUSED',
        status: 502,
        message: /^What the build server names [a-z, ]+; see builds\.output_folders\.$/, // and no path
      });
    });

  test('is a failure of the build server where it is not there', async () => {
    await using places = await openPlaces();
    await assert.rejects(openOutput(places.at('out', 'none'), [places.at('out')]), {
      code: 'BUILD_SERVER_FAILED',
      message: /^The binary that the build server names cannot be opened \(ENOENT\)\..*same disk/,
    });
  });

  test('is never another file, though it is swapped for a link again and again meanwhile', async () => {
    await using places = await openPlaces();
    const { at } = places;
    const swapped = at('out', 'deep');
    let isDone = false;
    const swapping = (async () => {
      mkdirSync(at('outside', 'evil'));
      linkSync(at('outside', 'secret'), at('outside', 'evil', 'rr'));
      symlinkSync(at('outside', 'evil'), at('evil'));
      renameSync(swapped, at('kept'));
      for (let turn = 0; !isDone; turn++) {
        symlinkSync(turn % 2 === 0 ? at('kept') : at('evil'), swapped);
        await new Promise((resolve) => setImmediate(resolve));
        unlinkSync(swapped);
      }
    })();
    for (let look = 0; look < 300; look++) {
      const seen = await contentOf(join(swapped, 'rr'), [at('out'), at('kept')]).catch(() => 'refused');
      assert.ok(seen === 'binary' || seen === 'refused', seen);
    }
    isDone = true;
    await swapping;
    rmSync(at('evil'));
  });
});
