import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import { entityTagOf, isStrong, matchesStrongly, matchesWeakly, namesTag } from './entity-tag.ts';

test('weak comparison looks past W/, strong comparison wants both strong', () => {
  assert.deepEqual(
    [
      ['"a"', '"a"'],
      ['W/"a"', '"a"'],
      ['W/"a"', 'W/"a"'],
      ['"a"', '"b"'],
    ].map(([a = '', b = '']) => [matchesWeakly(a, b), matchesStrongly(a, b)]),
    [
      [true, true],
      [true, false],
      [true, false],
      [false, false],
    ],
  );
});

test('what is not quoted equals itself and is never strong', () => {
  assert.equal(isStrong('abc'), false);
  assert.deepEqual([matchesWeakly('abc', 'abc'), matchesWeakly('abc', '"abc"')], [true, false]);
});

test('If-None-Match names a tag wherever it stands in the list, and the star names all', () => {
  for (const list of ['"a"', '"x", "a"', '"x,y" , W/"a", "z"', '*', ',, "a"'])
    assert.equal(namesTag(list, '"a"'), true, list);
  for (const list of ['', '"x"', '"a', 'a', '"x, "a""']) assert.equal(namesTag(list, '"a"'), false, list);
  assert.deepEqual([namesTag('*', undefined), namesTag('"a"', undefined)], [true, false]);
});

test('several tags are none', () => {
  assert.equal(entityTagOf(fieldsOf('ETag: "a"')), '"a"');
  assert.equal(entityTagOf(fieldsOf('ETag: "a"', 'ETag: "b"')), undefined);
});
