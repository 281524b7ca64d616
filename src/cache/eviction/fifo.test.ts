import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fifo } from './fifo.ts';

test('keys go in the order in which they came, however often they were asked for', () => {
  const fifo = new Fifo();
  for (const key of ['a', 'b', 'c']) fifo.admit(key);
  fifo.touch('a');
  assert.deepEqual([fifo.evict(), fifo.evict(), fifo.evict()], ['a', 'b', 'c']);
});

test('a key that was forgotten comes in last', () => {
  const fifo = new Fifo();
  for (const key of ['a', 'b']) fifo.admit(key);
  fifo.forget('a');
  fifo.admit('a');
  assert.deepEqual([fifo.evict(), fifo.evict()], ['b', 'a']);
});
