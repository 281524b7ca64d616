import assert from 'node:assert/strict';
import { join, sep } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { childOf, type FilePath, isWithin, nameOf, parentOf, parseFilePath, ROOT } from './file-path.ts';

const RUNS = { numRuns: 2000 };

/** What paths are made of, and what they must not be made of. */
const piece = fc.constantFrom(
  'a',
  'b.txt',
  '.',
  '..',
  '...',
  '',
  '/',
  '\\',
  '\0',
  '.velocity',
  '.Velocity',
  ' ',
  'é',
  '😀',
  '\ud800',
  '\ufffd',
  '%2e',
  'x'.repeat(254),
);
const written = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const writtenWithSlashes = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('/'));

function parsed(text: string): FilePath | undefined {
  try {
    return parseFilePath(text);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'BAD_REQUEST');
    return undefined;
  }
}

describe('a path', () => {
  test('that is taken lies below the root, and has one spelling', () => {
    fc.assert(
      fc.property(fc.oneof(written, writtenWithSlashes, fc.string({ unit: 'binary' })), (text) => {
        const path = parsed(text);
        if (path === undefined) return;
        assert.ok(path === text || `${path}/` === text);
        if (path === ROOT) return;
        assert.equal(join(`${sep}root`, path), `/root/${path}`, 'nothing of it is resolved');
        assert.equal(Buffer.from(path, 'utf8').toString('utf8'), path);
        assert.doesNotMatch(path, /^\.velocity(\/|$)/i);
        assert.equal(parseFilePath(path), path);
        assert.equal(childOf(parentOf(path), nameOf(path)), path);
        assert.ok(isWithin(path, parentOf(path)) && isWithin(path, ROOT));
      }),
      RUNS,
    );
  });

  test('of plain names is taken as it is', () => {
    for (const text of [
      'a',
      'a/b',
      'a.',
      '..a',
      'a..',
      '...',
      'a/.velocity',
      '.velocity2',
      '%2e%2e',
      ' ',
      'é/e\u0301',
    ])
      assert.equal(parseFilePath(text), text);
    assert.equal(parseFilePath('a/b/'), 'a/b');
    for (const text of ['', '/']) assert.equal(parseFilePath(text), ROOT);
  });

  test('that could lead elsewhere is refused', () => {
    for (const text of [
      '.',
      '..',
      'a/..',
      '../a',
      'a/./b',
      '/a',
      '//',
      'a//b',
      'a//',
      'a\\b',
      'a\0',
      '\n',
      '\x7f',
    ])
      assert.throws(() => parseFilePath(text), { code: 'BAD_REQUEST', field: 'path' }, JSON.stringify(text));
    for (const text of ['.velocity', '.velocity/x', '.VeLoCiTy/x', '\ud800', '\ufffd'])
      assert.throws(() => parseFilePath(text), { code: 'BAD_REQUEST' }, JSON.stringify(text));
  });

  test('has names of 255 bytes, and 3072 in all', () => {
    assert.ok(parseFilePath('x'.repeat(255)));
    assert.throws(() => parseFilePath('x'.repeat(256)), /255 bytes/);
    assert.throws(() => parseFilePath('é'.repeat(128)), /255 bytes/);
    assert.ok(parseFilePath('x/'.repeat(1536).slice(0, -1)));
    assert.throws(() => parseFilePath(`${'x/'.repeat(1536)}x`), /3072 bytes/);
  });
});

test('what begins like a folder does not lie in it', () => {
  const [folder, beside] = ['a/b', 'a/bc'] as FilePath[];
  assert.ok(folder && beside);
  assert.equal(isWithin(beside, folder), false);
  assert.equal(isWithin(folder, folder), true);
  assert.equal(parentOf('a' as FilePath), ROOT);
  assert.equal(parentOf(ROOT), ROOT);
});
