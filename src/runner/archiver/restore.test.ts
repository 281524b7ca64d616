import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  forge,
  forgedFile,
  forgedFolder,
  forgedLink,
  type PlaceOptions,
  packedFrom,
  placeIn,
  restoreInto,
} from '../../../test/rig/artifacts.ts';
import { snapshot } from '../../../test/rig/system-tar.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import type { FoundOutput } from './outputs.ts';
import { removeOutputs } from './restore.ts';

function workspace(files: Record<string, string> = {}): Promise<TempWorkspace> {
  const below = Object.entries(files).map(([path, content]) => [`packages/web/${path}`, content]);
  return TempWorkspace.open(
    { 'packages/web/package.json': {}, ...Object.fromEntries(below) },
    { git: false },
  );
}

/** The outputs folder as it is. */
function dist({ root }: Pick<TempWorkspace, 'root'>): string[] {
  return snapshot(`${root}/packages/web/dist`);
}

function modeOf(here: TempWorkspace, path: string): string {
  return (lstatSync(here.path(`packages/web/${path}`)).mode & 0o7777).toString(8);
}

describe('what is packed and restored', () => {
  test('files, modes, links, empty files and folders, odd names and long ones: all is equal', async () => {
    await using here = await workspace({
      'dist/a.js': 'content',
      'dist/empty': '',
      'dist/ü/語 🚀\n': 'unicode',
      [`dist/${'n'.repeat(200)}/${'m'.repeat(200)}`]: 'long',
      'dist/-rf *': 'odd',
    });
    for (const [path, mode] of [
      ['a.js', 0o755],
      ['empty', 0o400],
      ['-rf *', 0o666],
    ] as const)
      here.chmod(`packages/web/dist/${path}`, mode);
    mkdirSync(here.path('packages/web/dist/hollow/below'), { recursive: true });
    chmodSync(here.path('packages/web/dist/hollow/below'), 0o700);
    symlinkSync('a.js', here.path('packages/web/dist/link'));
    symlinkSync('../../../packages', here.path('packages/web/dist/far'));
    symlinkSync('not/there', here.path('packages/web/dist/dangling'));
    const before = dist(here);
    const bytes = await packedFrom(placeIn(here));
    here.remove('packages/web/dist');
    await restoreInto(bytes, placeIn(here));
    assert.deepEqual(dist(here), before);
  });

  test('any tree of files is equal', async () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
      .filter(
        (name) =>
          !/[/\\\0]/.test(name) &&
          !/^\.{1,2}$/.test(name) &&
          !['.git', '.velocity', 'node_modules'].includes(name),
      );
    const tree = fc.dictionary(
      segment,
      fc.oneof(fc.string(), fc.dictionary(segment, fc.string(), { maxKeys: 3 })),
      { maxKeys: 6 },
    );
    await fc.assert(
      fc.asyncProperty(tree, async (top) => {
        await using here = await workspace();
        mkdirSync(here.path('packages/web/dist'));
        for (const [name, content] of Object.entries(top)) {
          const path = here.path(`packages/web/dist/${name}`);
          if (typeof content === 'string') writeFileSync(path, content);
          else {
            mkdirSync(path);
            for (const [inner, text] of Object.entries(content)) writeFileSync(`${path}/${inner}`, text);
          }
        }
        const before = dist(here);
        const bytes = await packedFrom(placeIn(here));
        here.remove('packages/web/dist');
        await restoreInto(bytes, placeIn(here));
        assert.deepEqual(dist(here), before);
      }),
      { numRuns: 40 },
    );
  });

  test('ten thousand files are equal', async () => {
    await using here = await workspace();
    for (let folder = 0; folder < 100; folder++) {
      mkdirSync(here.path(`packages/web/dist/${folder}`), { recursive: true });
      for (let file = 0; file < 100; file++)
        writeFileSync(here.path(`packages/web/dist/${folder}/${file}`), `${folder}/${file}`);
    }
    const before = dist(here);
    const bytes = await packedFrom(placeIn(here));
    here.remove('packages/web/dist');
    await restoreInto(bytes, placeIn(here));
    assert.deepEqual(dist(here), before);
  });

  test('in another workspace they are equal too', async () => {
    await using here = await workspace({ 'dist/a': 'content' });
    symlinkSync('../../lib', here.path('packages/web/dist/lib'));
    await using there = await workspace();
    await restoreInto(await packedFrom(placeIn(here)), placeIn(there));
    assert.deepEqual(dist(there), dist(here));
  });

  test('large outputs, which stream, are equal', async () => {
    await using here = await workspace({ 'dist/small': 'small' });
    const large = Buffer.alloc(40 * 2 ** 20);
    large.write('begin');
    large.write('end', large.length - 3);
    writeFileSync(here.path('packages/web/dist/large'), large);
    const bytes = await packedFrom(placeIn(here));
    here.remove('packages/web/dist');
    await restoreInto(bytes, placeIn(here));
    assert.ok(readFileSync(here.path('packages/web/dist/large')).equals(large));
    assert.equal(here.read('packages/web/dist/small'), 'small');
  });

  test('an artifact without outputs removes those that are there', async () => {
    await using here = await workspace();
    const bytes = await packedFrom(placeIn(here));
    here.write({ 'packages/web/dist/a': '' });
    await restoreInto(bytes, placeIn(here));
    assert.equal(existsSync(here.path('packages/web/dist')), false);
  });
});

describe('what is there already', () => {
  test('files that the artifact does not hold are removed, and folders that this empties', async () => {
    await using here = await workspace({ 'dist/old/deep/a': '', 'dist/b': '', 'src/x': '' });
    mkdirSync(here.path('packages/web/dist/hollow/below'), { recursive: true });
    await restoreInto(forge([forgedFile('dist/new')]), placeIn(here));
    assert.deepEqual(dist(here), [`file 644 new = ${Buffer.from('forged').toString('base64')}`]);
    assert.equal(here.read('packages/web/src/x'), '');
  });

  test('what no pattern means stays', async () => {
    await using here = await workspace({
      'dist/a.js': 'old',
      'dist/kept.txt': 'kept',
      '.next/cache/b': 'kept',
    });
    await restoreInto(
      forge([forgedFile('dist/a.js')]),
      placeIn(here, { patterns: ['dist/*.js', '.next/**', '!.next/cache/**'] }),
    );
    assert.deepEqual(
      ['dist/a.js', 'dist/kept.txt', '.next/cache/b'].map((path) => here.read(`packages/web/${path}`)),
      ['forged', 'kept', 'kept'],
    );
  });

  test('what another task of the run made stays', async () => {
    await using here = await workspace({ 'dist/types/a.d.ts': 'theirs', 'dist/old.js': '' });
    const isOthers = ({ path }: FoundOutput): boolean => path === 'dist/types/a.d.ts';
    await restoreInto(forge([forgedFile('dist/new.js')]), { ...placeIn(here), isOthers });
    assert.equal(here.read('packages/web/dist/types/a.d.ts'), 'theirs');
    assert.equal(existsSync(here.path('packages/web/dist/old.js')), false);
  });

  test('what git tracks stays, edited or new', async () => {
    await using here = await workspace({ 'dist/README.md': 'edited', 'dist/old.js': '' });
    const place = placeIn(here, { tracked: ['packages/web/dist/README.md'] });
    await restoreInto(forge([forgedFile('dist/new.js')]), place);
    assert.equal(here.read('packages/web/dist/README.md'), 'edited');
    assert.equal(existsSync(here.path('packages/web/dist/old.js')), false);
  });

  test('a file is replaced, not written through: its other names keep what they had', async () => {
    await using here = await workspace({ 'dist/a': 'old', 'store/a': 'store' });
    here.remove('packages/web/dist/a');
    linkSync(here.path('packages/web/store/a'), here.path('packages/web/dist/a'));
    await restoreInto(forge([forgedFile('dist/a')]), placeIn(here));
    assert.deepEqual(
      [here.read('packages/web/dist/a'), here.read('packages/web/store/a')],
      ['forged', 'store'],
    );
  });

  test('a link is replaced, not written through', async () => {
    await using here = await workspace({ 'dist/x': '', 'src/precious': 'precious' });
    symlinkSync('../src/precious', here.path('packages/web/dist/a'));
    await restoreInto(forge([forgedFile('dist/a')]), placeIn(here));
    assert.deepEqual(
      [here.read('packages/web/dist/a'), here.read('packages/web/src/precious')],
      ['forged', 'precious'],
    );
    assert.equal(lstatSync(here.path('packages/web/dist/a')).isFile(), true);
  });

  test('a read-only file is replaced, and gets the artifact’s mode', async () => {
    await using here = await workspace({ 'dist/a': 'old' });
    here.chmod('packages/web/dist/a', 0o444);
    await restoreInto(forge([forgedFile('dist/a', 'new', 0o640)]), placeIn(here));
    assert.deepEqual([here.read('packages/web/dist/a'), modeOf(here, 'dist/a')], ['new', '640']);
  });

  test('each kind takes the place of each other', async () => {
    const makers: Readonly<Record<string, (here: TempWorkspace) => void>> = {
      file: (here) => here.write({ 'packages/web/dist/x': 'old' }),
      'full folder': (here) => here.write({ 'packages/web/dist/x/inner': 'old' }),
      'empty folder': (here) => void mkdirSync(here.path('packages/web/dist/x'), { recursive: true }),
      'link to a file': (here) => symlinkSync('../src/file', here.path('packages/web/dist/x')),
      'link to a folder': (here) => symlinkSync('../src', here.path('packages/web/dist/x')),
      'link to nothing': (here) => symlinkSync('nowhere', here.path('packages/web/dist/x')),
    };
    const takers = {
      file: [forgedFile('dist/x', 'new')],
      'file below it': [forgedFile('dist/x/inner', 'new')],
      link: [forgedLink('dist/x', 'elsewhere')],
      'empty folder': [forgedFolder('dist/x', 0o750)],
    };
    for (const [old, make] of Object.entries(makers)) {
      for (const [taker, members] of Object.entries(takers)) {
        await using fresh = await workspace({ 'src/file': 'source', 'dist/y': '' });
        await using used = await workspace({ 'src/file': 'source', 'dist/y': '' });
        make(used);
        await restoreInto(forge(members), placeIn(fresh));
        await restoreInto(forge(members), placeIn(used));
        assert.deepEqual(dist(used), dist(fresh), `${taker} over ${old}`);
        assert.deepEqual(snapshot(used.path('packages/web/src')), snapshot(fresh.path('packages/web/src')));
      }
    }
  });

  test('an empty folder gets the artifact’s mode even where it was there', async () => {
    await using here = await workspace();
    mkdirSync(here.path('packages/web/dist/x'), { recursive: true });
    here.chmod('packages/web/dist/x', 0o700);
    await restoreInto(forge([forgedFolder('dist/x', 0o755)]), placeIn(here));
    assert.equal(modeOf(here, 'dist/x'), '755');
  });

  test('an output folder that is a link inside the workspace stays one', async () => {
    await using here = await workspace();
    here.write({ 'shared/dist/old': '' });
    symlinkSync('../../shared/dist', here.path('packages/web/dist'));
    await restoreInto(forge([forgedFile('dist/new')]), placeIn(here));
    assert.equal(readlinkSync(here.path('packages/web/dist')), '../../shared/dist');
    assert.equal(here.read('shared/dist/new'), 'forged');
    assert.equal(existsSync(here.path('shared/dist/old')), false);
  });

  test('one that leads outside is replaced, and what it led to is left alone', async () => {
    await using here = await workspace();
    await using outside = await openTempFolder();
    writeFileSync(`${outside.path}/secret`, 'secret');
    symlinkSync(outside.path, here.path('packages/web/dist'));
    await restoreInto(forge([forgedFile('dist/secret')]), placeIn(here));
    assert.equal(readFileSync(`${outside.path}/secret`, 'utf8'), 'secret');
    assert.equal(here.read('packages/web/dist/secret'), 'forged');
  });

  test('a link below the outputs that leads outside is removed, not followed', async () => {
    await using here = await workspace({ 'dist/x': '' });
    await using outside = await openTempFolder();
    writeFileSync(`${outside.path}/secret`, 'secret');
    symlinkSync(outside.path, here.path('packages/web/dist/out'));
    await restoreInto(forge([forgedFile('dist/out/secret')]), placeIn(here));
    assert.equal(readFileSync(`${outside.path}/secret`, 'utf8'), 'secret');
    assert.equal(here.read('packages/web/dist/out/secret'), 'forged');
  });

  test('a link that only leads inside by way of one that is removed is not made', async () => {
    await using here = await workspace({ 'a/b/c/d/e/f': '', 'dist/x': '' });
    symlinkSync('../a/b/c/d/e', here.path('packages/web/dist/deep'));
    const members = [forgedFile('dist/deep/file'), forgedLink('dist/deep/out', '../../../../..')];
    await assert.rejects(restoreInto(forge(members), placeIn(here)), (error: unknown) => {
      assert.ok(error instanceof VelocityError);
      assert.equal(error.code, 'ARTIFACT_REFUSED');
      return true;
    });
    assert.equal(lstatSync(here.path('packages/web/dist/deep/out'), { throwIfNoEntry: false }), undefined);
  });
});

describe('modes', () => {
  test('they are the artifact’s, whatever this process would give new files', async () => {
    await using here = await workspace();
    const before = process.umask(0o077);
    try {
      await restoreInto(
        forge([
          forgedFile('dist/a', 'x', 0o777),
          forgedFile('dist/b', 'x', 0o600),
          forgedFolder('dist/c', 0o775),
        ]),
        placeIn(here),
      );
    } finally {
      process.umask(before);
    }
    assert.deepEqual(
      ['dist/a', 'dist/b', 'dist/c'].map((path) => modeOf(here, path)),
      ['777', '600', '775'],
    );
  });
});

describe('removeOutputs', () => {
  function removed(
    here: TempWorkspace,
    options?: PlaceOptions,
    keep?: (output: FoundOutput) => boolean,
  ): string[] {
    const place = placeIn(here, options);
    removeOutputs(place, place.outputs.find(), keep);
    return snapshot(here.path('packages/web')).map((line) => line.split(' ')[2] ?? '');
  }

  test('outputs and their folders go, all else stays', async () => {
    await using here = await workspace({ 'dist/a/b': '', 'src/x': '' });
    assert.deepEqual(removed(here), ['package.json', 'src', 'src/x']);
  });

  test('what is to be kept stays, with its folders', async () => {
    await using here = await workspace({ 'dist/a/kept': '', 'dist/a/b': '', 'dist/c/d': '' });
    assert.deepEqual(
      removed(here, {}, ({ path }) => path === 'dist/a/kept'),
      ['dist', 'dist/a', 'dist/a/kept', 'package.json'],
    );
  });

  test('a folder that patterns mean only in part stays, be it empty', async () => {
    await using here = await workspace({ 'lib/a.js': '' });
    assert.deepEqual(removed(here, { patterns: ['lib/*.js'] }), ['lib', 'package.json']);
  });

  test('what lies outside behind a link stays, and so does the link', async () => {
    await using here = await workspace();
    await using outside = await openTempFolder();
    mkdirSync(`${outside.path}/dist`);
    writeFileSync(`${outside.path}/dist/secret`, 'secret');
    symlinkSync(outside.path, here.path('packages/web/build'));
    removed(here, { patterns: ['build/dist/**'] });
    assert.equal(statSync(here.path('packages/web/build/dist/secret')).size, 6);
  });
});
