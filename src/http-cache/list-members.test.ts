import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listMembers, unquoted } from './list-members.ts';

const LISTS: Readonly<Record<string, readonly string[]>> = {
  '': [],
  ' , ,': [],
  'a,b': ['a', 'b'],
  ' a ,\tb b ,': ['a', 'b b'],
  'a="1, 2", b': ['a="1, 2"', 'b'],
  'a="\\", still", b': ['a="\\", still"', 'b'],
  '"x,y", W/"z,z"': ['"x,y"', 'W/"z,z"'],
};

for (const [text, members] of Object.entries(LISTS))
  test(`the members of «${text}» are ${members.length}`, () => {
    assert.deepEqual(listMembers(text), members);
  });

test('a quote that is not closed, or stands where no string begins, hides nothing', () => {
  assert.deepEqual(listMembers('a="b, no-store'), ['a="b', 'no-store']);
  assert.deepEqual(listMembers('a"b, no-store, c"'), ['a"b', 'no-store', 'c"']);
  assert.deepEqual(listMembers('a="\\", b="c, d"'), ['a="\\", b="c', 'd"']);
});

test('members that are joined are read again as the same', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const members = listMembers(text);
      assert.deepEqual(
        members,
        members.map((member) => member.trim()).filter((member) => member !== ''),
      );
      if (!text.includes('"')) assert.deepEqual(listMembers(members.join(', ')), members);
    }),
  );
});

test('a list takes time in proportion to its length, whatever quotes are in it', () => {
  const hostile = 'a='.concat('"\\'.repeat(200_000));
  assert.equal(listMembers(hostile).length, 1);
  assert.equal(listMembers('a"'.repeat(200_000)).length, 1);
  assert.equal(listMembers('="'.repeat(200_001)).length, 1);
});

test('a quoted string means what is between its quotes', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(unquoted(`"${text.replaceAll(/["\\]/g, '\\$&')}"`), text);
    }),
  );
  for (const text of ['', '"', 'a', '"a', '"a"b"', "'a'"]) assert.equal(unquoted(text), text);
});
