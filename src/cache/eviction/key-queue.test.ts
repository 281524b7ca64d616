import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyQueue, QueuedKey } from './key-queue.ts';

function queueOf(...keys: QueuedKey[]): KeyQueue {
  const queue = new KeyQueue();
  for (const key of keys) queue.push(key);
  return queue;
}

/** All keys, oldest first; the queue is empty after. */
function drain(queue: KeyQueue): string[] {
  const keys: string[] = [];
  for (let { oldest } = queue; oldest !== undefined; oldest = queue.oldest) {
    keys.push(oldest.key);
    queue.remove(oldest);
  }
  return keys;
}

const [a, b, c] = [new QueuedKey('a'), new QueuedKey('b'), new QueuedKey('c')];

test('keys leave in the order in which they came', () => {
  assert.deepEqual(drain(queueOf(a, b, c)), ['a', 'b', 'c']);
});

test('an empty queue has no oldest key', () => {
  const queue = queueOf(a);
  queue.remove(a);
  assert.deepEqual([queue.oldest, queue.size], [undefined, 0]);
});

test('a key leaves from anywhere', () => {
  for (const [left, others] of [
    [a, ['b', 'c']],
    [b, ['a', 'c']],
    [c, ['a', 'b']],
  ] as const) {
    const queue = queueOf(a, b, c);
    queue.remove(left);
    assert.equal(queue.size, 2);
    assert.deepEqual(drain(queue), others);
  }
});

test('a key that is pushed again is last', () => {
  const queue = queueOf(a, b, c);
  queue.push(a);
  assert.equal(queue.size, 3);
  assert.deepEqual(drain(queue), ['b', 'c', 'a']);
});

test('a key that is pushed into another queue leaves its own', () => {
  const from = queueOf(a, b);
  const to = queueOf(c);
  to.push(a);
  assert.deepEqual([from.size, to.size, a.queue === to], [1, 2, true]);
  assert.deepEqual([drain(from), drain(to)], [['b'], ['c', 'a']]);
});

test('a key that left holds on to no other', () => {
  const queue = queueOf(a, b, c);
  queue.remove(b);
  assert.deepEqual([b.older === b, b.newer === b, b.queue], [true, true, undefined]);
});
