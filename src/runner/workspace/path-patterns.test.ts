import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import picomatch from 'picomatch';
import {
  compileGlob,
  compilePatterns,
  isGlob,
  normalise,
  splitPattern,
  staticBase,
} from './path-patterns.ts';

/** Few letters, so that patterns and paths meet often. */
const segment = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 2 });
const plainPath = fc
  .array(
    segment.filter((part) => part !== '.' && part !== '..'),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join('/'));
const glob = fc
  .array(fc.oneof(segment, fc.constantFrom('*', '**', 'a*', '*b')), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const pattern = fc.tuple(fc.constantFrom('', '!'), glob).map(([sign, text]) => sign + text);

/** Any name a file can have that holds nothing special to a glob. */
const anyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((name) => name !== '.' && name !== '..' && !/[/\0\\*?[\](){}!+@|]/.test(name));

describe('compilePatterns', () => {
  test('no pattern means nothing', () => {
    assert.equal(compilePatterns([])('a'), false);
  });

  test('what a negation takes out stays out', () => {
    const matches = compilePatterns(['src/**', '!src/**/*.test.ts']);
    assert.deepEqual(['src/a.ts', 'src/deep/a.test.ts'].map(matches), [true, false]);
  });

  test('a later pattern takes in again what an earlier one took out', () => {
    const matches = compilePatterns(['src/**', '!src/gen/**', 'src/gen/keep.ts']);
    assert.deepEqual(['src/gen/a.ts', 'src/gen/keep.ts'].map(matches), [false, true]);
  });

  test('a negation before anything is taken in has nothing to take out', () => {
    assert.equal(compilePatterns(['!src/a.ts', 'src/**'])('src/a.ts'), true);
  });

  test('negations alone take nothing in', () => {
    assert.equal(compilePatterns(['!a'])('b'), false);
  });

  test('the last pattern that matches decides, whatever stands before it', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 6 }), plainPath, (patterns, path) => {
        const last = patterns.findLast((each) => compileGlob(splitPattern(each).glob)(path));
        assert.equal(compilePatterns(patterns)(path), last !== undefined && !last.startsWith('!'));
      }),
    );
  });

  test('a pattern that names a folder means all below it', () => {
    const matches = compilePatterns(['dist']);
    assert.deepEqual(['dist', 'dist/a/b.js', 'dist2/a.js', 'a/dist'].map(matches), [
      true,
      true,
      false,
      false,
    ]);
  });

  test('a glob that names folders means all below them', () => {
    const matches = compilePatterns(['packages/*/dist']);
    assert.deepEqual(['packages/a/dist/x/y.js', 'packages/a/src/y.js'].map(matches), [true, false]);
  });

  test('a negated folder takes out all below it', () => {
    assert.equal(compilePatterns(['.next/**', '!.next/cache'])('.next/cache/webpack/0.pack'), false);
  });

  test('an exact pattern means the folder and nothing below it', () => {
    const matches = compilePatterns(['packages/*'], 'exact');
    assert.deepEqual(['packages/a', 'packages/a/src', 'packages'].map(matches), [true, false, false]);
  });

  test('exactly "." is the root alone', () => {
    for (const written of ['.', './', '././']) {
      const matches = compilePatterns([written], 'exact');
      assert.deepEqual(['', 'a', 'a/b'].map(matches), [true, false, false], written);
    }
  });

  test('"." means everything', () => {
    for (const written of ['.', './']) assert.equal(compilePatterns([written])('a/b'), true, written);
  });
});

describe('compileGlob', () => {
  test('names that begin with a dot need no special mention', () => {
    const pairs = [
      ['*', '.env'],
      ['src/*', 'src/.hidden'],
      ['src/**', 'src/.a/.b'],
      ['**/*.json', '.vscode/.settings.json'],
    ] as const;
    for (const [each, path] of pairs) assert.ok(compileGlob(each)(path), `${each} means ${path}`);
  });

  test('a star at the end names what lies directly there', () => {
    assert.deepEqual(['bin/a', 'bin/a/b'].map(compileGlob('bin/*')), [true, false]);
    assert.deepEqual(['a', 'a/b'].map(compileGlob('*')), [true, false]);
  });

  test('braces list alternatives, and folders among them mean all below', () => {
    const matches = compileGlob('{dist,lib}');
    assert.deepEqual(['dist/a.js', 'lib/b/c.js', 'src/a.js'].map(matches), [true, true, false]);
  });

  test('a line break in a name is a character like others', () => {
    assert.equal(compileGlob('**/dist/*.js')('odd\nfolder/dist/a.js'), true);
  });

  test('a path without special characters means itself and what is below, whatever its characters', () => {
    fc.assert(
      fc.property(anyName, anyName, (folder, name) => {
        const matches = compileGlob(folder);
        assert.deepEqual([folder, `${folder}/${name}`, `${folder}x`, `x/${folder}`].map(matches), [
          true,
          true,
          false,
          false,
        ]);
      }),
    );
  });

  test('the shortcut for a folder with all below agrees with the glob library', () => {
    fc.assert(
      fc.property(plainPath, plainPath, (folder, path) => {
        const library = picomatch(`${folder}/**`, { dot: true });
        assert.equal(compileGlob(`${folder}/**`)(path), library(path));
      }),
    );
  });

  test('all that a glob matches lies at or below its static base', () => {
    fc.assert(
      fc.property(glob, plainPath, (each, path) => {
        const base = staticBase(each);
        if (!compileGlob(normalise(each))(path)) return;
        assert.ok(base === '' || path === base || path.startsWith(`${base}/`), `${base} of ${each}`);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('staticBase', () => {
  test('it ends before the first special character', () => {
    assert.deepEqual(
      ['dist/**', 'a/b/*.js', '**/x', '*.js', 'a/{b,c}/d', 'plain/path', '!dist/**', './dist/**'].map(
        staticBase,
      ),
      ['dist', 'a/b', '', '', 'a', 'plain/path', 'dist', 'dist'],
    );
  });
});

describe('normalise', () => {
  test('the same place has one spelling', () => {
    assert.deepEqual(['./a', 'a/', 'a//b', '././a//b/', '.', './', './*'].map(normalise), [
      'a',
      'a',
      'a/b',
      'a/b',
      '**',
      '**',
      '*',
    ]);
  });

  test('it is done at once: a second time changes nothing', () => {
    fc.assert(
      fc.property(glob, (each) => {
        assert.equal(normalise(normalise(each)), normalise(each));
      }),
    );
  });
});

describe('splitPattern', () => {
  test('an exclamation mark excludes what follows it', () => {
    assert.deepEqual(splitPattern('!./a/'), { excludes: true, glob: 'a' });
    assert.deepEqual(splitPattern('a'), { excludes: false, glob: 'a' });
  });
});

describe('isGlob', () => {
  test('stars, question marks, braces and brackets make a glob', () => {
    assert.deepEqual(['a/*', 'a?', '{a,b}', '[ab]', 'a/b.c-d_e'].map(isGlob), [
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});
