import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openTempFolder, type TempFolder } from '../../../test/rig/temp-folder.ts';
import { digestOf } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import type { OutputRecord } from './manifest.ts';
import { assertFolderInside, assertRestorable, linkPlaces, linkRefusal, nameRefusal } from './safe-paths.ts';

const DIRECTORY = 'packages/web';

function file(path: string): OutputRecord {
  return { path, kind: 'file', mode: 0o644, sizeBytes: 0, digest: digestOf('') };
}

function link(path: string, target: string): OutputRecord & { kind: 'link' } {
  return { path, kind: 'link', target };
}

function folder(path: string): OutputRecord {
  return { path, kind: 'directory', mode: 0o755 };
}

/** A workspace `ws`, its package `packages/web`, and `outside` beside it; links by path from the top. */
class Ground implements AsyncDisposable {
  readonly #temp: TempFolder;
  readonly root: string;
  readonly folder: string;

  private constructor(temp: TempFolder) {
    this.#temp = temp;
    this.root = join(temp.path, 'ws');
    this.folder = join(this.root, DIRECTORY);
  }

  static async open(links: Readonly<Record<string, string>> = {}): Promise<Ground> {
    const ground = new Ground(await openTempFolder());
    for (const path of [ground.folder, join(ground.#temp.path, 'outside')])
      mkdirSync(path, { recursive: true });
    for (const [path, target] of Object.entries(links)) {
      mkdirSync(dirname(join(ground.root, path)), { recursive: true });
      symlinkSync(target, join(ground.root, path));
    }
    return ground;
  }

  /** Why these may not be restored; `undefined` where they may. */
  refusal(...records: readonly OutputRecord[]): string | undefined {
    try {
      assertRestorable(records, this.folder, this.root);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof VelocityError, String(error));
      assert.equal(error.code, 'ARTIFACT_REFUSED');
      return error.message.replace('The artifact was refused, nothing was written: ', '');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temp[Symbol.asyncDispose]();
  }
}

describe('names', () => {
  const refused: Readonly<Record<string, readonly string[]>> = {
    'above the package': ['..', '../x', 'dist/../../x', 'dist/..', 'a/../b'],
    absolute: ['/x', '/', '//x', '/etc/passwd'],
    'of Windows': ['C:\\x', 'C:/x', 'c:x', '\\\\server\\share', 'dist\\..\\..\\x', 'a\\b'],
    'with an empty part or a dot': ['', '.', './x', 'a//b', 'a/', 'a/./b', 'a/.'],
    'with a NUL': ['a\0b', '\0'],
    'where git keeps its own': ['.git/hooks/pre-commit', 'dist/.git/config', 'dist/.git'],
    'where we keep our own': ['.velocity/state-v1/outputs.json', 'a/.velocity'],
    'longer than a path can be': [`${'x/'.repeat(3000)}x`, 'x'.repeat(5000)],
  };
  for (const [which, names] of Object.entries(refused)) {
    test(`names ${which} are refused`, async () => {
      await using ground = await Ground.open();
      for (const name of names) assert.notEqual(ground.refusal(file(name)), undefined, JSON.stringify(name));
    });
  }

  test('names that only look odd are taken', () => {
    const names = [
      'dist/a',
      '...',
      'a..b',
      '..a/b',
      'dist/-rf',
      'dist/a b',
      'dist/ü語🚀',
      'dist/a\nb',
      '.gitignore',
      '.github/x',
      'a:b/c',
      'dist/C:x',
    ];
    assert.deepEqual(
      names.filter((name) => nameRefusal(name) !== undefined),
      ['a:b/c'],
      'all but what Windows would take for a drive',
    );
  });

  test('a name that is taken never leads out of the folder', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '/', '\\', 'a', 'C:', '.git'), fc.string());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const name = parts.join('/');
        if (nameRefusal(name) === undefined) assert.ok(resolve('/ws/web', name).startsWith('/ws/web/'), name);
      }),
    );
  });
});

describe('entries together', () => {
  test('no name appears twice, whatever it is', async () => {
    await using ground = await Ground.open();
    for (const twice of [
      [file('a'), file('a')],
      [link('a', 'b'), file('a')],
      [folder('a'), link('a', '.')],
    ])
      assert.equal(ground.refusal(...twice), '"a" appears twice.');
  });

  test('nothing lies below a file or an empty folder', async () => {
    await using ground = await Ground.open();
    assert.equal(ground.refusal(file('a'), file('a/b')), '"a/b" lies below a, which is no folder.');
    assert.equal(ground.refusal(file('a/b/c'), folder('a')), '"a/b/c" lies below a, which is no folder.');
  });

  test('nothing lies below a link, in whichever order they come', async () => {
    await using ground = await Ground.open();
    assert.equal(ground.refusal(link('a', 'b'), file('a/x')), '"a/x" lies below the link a.');
    assert.equal(ground.refusal(file('a/b/x'), link('a', 'b')), '"a/b/x" lies below the link a.');
    assert.equal(ground.refusal(link('a', 'b'), link('a/x', '.')), '"a/x" lies below the link a.');
  });

  test('many names in deep folders are looked at in a moment', async () => {
    await using ground = await Ground.open();
    const deep = 'd/'.repeat(1500);
    assert.equal(
      ground.refusal(...Array.from({ length: 2000 }, (_, index) => file(`${deep}${index}`))),
      undefined,
    );
  });
});

describe('links', () => {
  test('those that stay in the workspace are kept', async () => {
    await using ground = await Ground.open();
    const inside = [
      link('dist/a', 'b'),
      link('dist/up', '../src/x'),
      link('dist/other', '../../lib/dist'),
      link('dist/root', '../../..'),
      link('dist/here', '.'),
      link('dist/nowhere', 'not/there/yet'),
      link('dist/dots', './../dist/./a'),
      link('dist/slashes', 'sub//file/'),
    ];
    assert.equal(ground.refusal(...inside), undefined);
  });

  test('those to absolute paths are refused, inside or out', async () => {
    await using ground = await Ground.open();
    for (const target of [
      '/etc/passwd',
      '/',
      `${ground.root}/packages`,
      'C:\\x',
      'c:/x',
      '\\\\server',
      '..\\..\\x',
    ])
      assert.equal(ground.refusal(link('l', target)), '"l" is a link to an absolute path.', target);
  });

  test('those to nothing are refused', async () => {
    await using ground = await Ground.open();
    for (const target of ['', 'a\0b'])
      assert.equal(ground.refusal(link('l', target)), '"l" is a link to nothing.');
  });

  test('those that climb out are refused, also where they would come back', async () => {
    await using ground = await Ground.open();
    for (const target of [
      '../../../..',
      '../../../../outside',
      '../../../../ws/packages',
      'a/../../../../../outside',
    ])
      assert.match(ground.refusal(link('dist/l', target)) ?? '', /leads out of the workspace/, target);
  });

  test('they are followed through other links of the artifact', async () => {
    await using ground = await Ground.open();
    const chain = [link('dist/here', '.'), link('dist/x', 'here/../../../../outside')];
    assert.match(ground.refusal(...chain) ?? '', /^"dist\/x" is a link that leads out/);
  });

  test('a chain whose every link looks harmless alone is refused', async () => {
    await using ground = await Ground.open();
    // Each target is within the workspace when links are taken for folders.
    const chain = [
      link('dist/a/b/c/up', '../../../..'),
      link('dist/a/b/hop', 'c/up/..'),
      link('dist/out', 'a/b/hop/../..'),
    ];
    assert.match(ground.refusal(...chain) ?? '', /leads out of the workspace/);
  });

  test('they are followed through links on the disk', async () => {
    await using ground = await Ground.open({ 'packages/web/exit': '../../../outside' });
    assert.match(ground.refusal(link('dist/l', '../exit/secret')) ?? '', /leads out of the workspace/);
  });

  test('an absolute link on the disk leads out, wherever it ends', async () => {
    await using ground = await Ground.open({ 'packages/web/exit': '/' });
    symlinkSync(ground.root, join(ground.folder, 'home'));
    for (const target of ['../exit/etc', '../home/packages'])
      assert.match(ground.refusal(link('dist/l', target)) ?? '', /leads out of the workspace/);
  });

  test('in an output folder that is itself a link they are followed from where it really is', async () => {
    await using ground = await Ground.open({ 'packages/web/dist': '../../shared/dist' });
    mkdirSync(join(ground.root, 'shared/dist'), { recursive: true });
    assert.equal(ground.refusal(link('dist/l', '../..')), undefined);
    assert.match(ground.refusal(link('dist/l', '../../..')) ?? '', /leads out of the workspace/);
  });

  test('there they are followed through each other, too', async () => {
    await using ground = await Ground.open({ 'packages/web/dist': '../../shared/dist' });
    mkdirSync(join(ground.root, 'shared/dist'), { recursive: true });
    const chain = [link('dist/top', '../..'), link('dist/out', 'top/..')];
    assert.match(ground.refusal(...chain) ?? '', /^"dist\/out" is a link that leads out/);
  });

  test('those that go round are refused', async () => {
    await using ground = await Ground.open();
    assert.match(ground.refusal(link('a', 'b'), link('b', 'a')) ?? '', /goes round in a circle/);
    assert.match(ground.refusal(link('a', 'a')) ?? '', /goes round in a circle/);
  });

  test('a long but finite chain of links is followed to its end', async () => {
    await using ground = await Ground.open();
    const chain = Array.from({ length: 30 }, (_, index) => link(`l${index}`, `l${index + 1}`));
    assert.equal(ground.refusal(...chain), undefined);
    assert.match(
      ground.refusal(...chain, link('l30', '../../../outside')) ?? '',
      /leads out of the workspace/,
    );
  });

  test('a way over a file that is there leads nowhere, so nowhere out', async () => {
    await using ground = await Ground.open();
    mkdirSync(join(ground.folder, 'dist'));
    assert.equal(ground.refusal(link('dist/l', '../package.json/x')), undefined);
  });

  test('a set of links that is taken leads nowhere outside, as the system itself follows them', () => {
    const names = ['a', 'b', 'c', 'd'];
    const step = fc.constantFrom('..', '.', ...names);
    const target = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => steps.join('/'));
    const sets = fc.uniqueArray(fc.tuple(fc.constantFrom(...names, 'a/x', 'b/x', 'a/b/x'), target), {
      selector: ([path]) => path,
      maxLength: 5,
    });
    fc.assert(
      fc.property(sets, (pairs) => {
        const records = pairs.map(([path, to]) => link(path, to));
        try {
          assertRestorable(records, '/ws/p', '/ws');
        } catch (error) {
          assert.ok(error instanceof VelocityError);
          return;
        }
        const links = new Map(pairs.map(([path, to]) => [`/ws/p/${path}`, to]));
        for (const place of links.keys()) {
          const end = follow(place, links);
          assert.ok(end === '/ws' || end.startsWith('/ws/'), `${place} leads to ${end}`);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Where a path ends in a file system of these links alone, in which all else is a folder. */
function follow(path: string, links: ReadonlyMap<string, string>): string {
  return path.split('/').reduce((at, step) => {
    const next = posix.normalize(`${at}/${step}`);
    const target = links.get(next);
    return target === undefined ? next : follow(`${at}/${target}`, links);
  }, '/');
}

describe('linkRefusal', () => {
  test('a link is followed from the place where it will be', async () => {
    await using ground = await Ground.open();
    const places = linkPlaces([], ground.folder);
    assert.equal(linkRefusal('a/b/l', '../../../..', places, ground.folder, ground.root), undefined);
    assert.match(linkRefusal('l', '../../../..', places, ground.folder, ground.root) ?? '', /leads out/);
  });
});

describe('assertFolderInside', () => {
  test('folders of the workspace may be written in, whether they exist or not', async () => {
    await using ground = await Ground.open({ 'packages/web/dist': '../../shared' });
    mkdirSync(join(ground.root, 'shared'));
    for (const path of ['.', 'dist', 'dist/a/b', 'new/folder'])
      assert.doesNotThrow(() => assertFolderInside(path, ground.folder, ground.root));
  });

  test('a folder that a link leads out to may not', async () => {
    await using ground = await Ground.open({ 'packages/web/dist': '../../../outside' });
    for (const path of ['dist', 'dist/a/b'])
      assert.throws(() => assertFolderInside(path, ground.folder, ground.root), { code: 'ARTIFACT_REFUSED' });
  });

  test('a folder whose name begins as the workspace’s is outside', async () => {
    await using ground = await Ground.open({ 'packages/web/dist': '../../../ws-other' });
    mkdirSync(`${ground.root}-other`);
    assert.throws(() => assertFolderInside('dist', ground.folder, ground.root), { code: 'ARTIFACT_REFUSED' });
  });
});
