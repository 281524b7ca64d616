import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lru } from './lru.ts';

test('the key that was not asked for the longest goes first', () => {
  const lru = new Lru();
  for (const key of ['a', 'b', 'c']) lru.admit(key);
  lru.touch('a');
  lru.touch('b');
  assert.deepEqual([lru.evict(), lru.evict(), lru.evict()], ['c', 'a', 'b']);
});

test('to come in is a use', () => {
  const lru = new Lru();
  lru.admit('a');
  lru.touch('a');
  lru.admit('b');
  assert.equal(lru.evict(), 'a');
});
