import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TagIndex, tagBytes } from './tag-index.ts';

test('entries are found by each of their tags', () => {
  const index = new TagIndex<number>();
  index.add(1, ['a', 'b']);
  index.add(2, ['b']);
  assert.deepEqual([...index.with('a')], [1]);
  assert.deepEqual([...index.with('b')], [1, 2]);
  assert.deepEqual([...index.with('c')], []);
});

test('an entry that goes leaves nothing behind', () => {
  const index = new TagIndex<number>();
  index.add(1, ['a', 'b']);
  index.add(2, ['b']);
  index.remove(1, ['a', 'b', 'never']);
  assert.deepEqual([...index.with('b')], [2]);
  assert.equal(index.size, 1);
  index.remove(2, ['b']);
  index.remove(2, ['b']);
  assert.equal(index.size, 0);
});

test('taken entries come once, and have the tags that were taken no longer', () => {
  const index = new TagIndex<number>();
  index.add(1, ['a', 'b', 'c']);
  index.add(2, ['b']);
  index.add(3, ['c']);
  assert.deepEqual([...index.take(['a', 'b', 'none'])], [1, 2]);
  assert.deepEqual([...index.take(['a', 'b'])], []);
  assert.deepEqual([...index.with('c')], [1, 3]);
  index.remove(1, ['a', 'b', 'c']);
  assert.deepEqual([...index.with('c')], [3]);
});

test('an entry is charged for each tag, and more for a longer one', () => {
  assert.equal(tagBytes([]), 0);
  assert.equal(tagBytes(['a', 'b']), 2 * tagBytes(['a']));
  assert.ok(tagBytes(['long-tag']) > tagBytes(['a']));
});
