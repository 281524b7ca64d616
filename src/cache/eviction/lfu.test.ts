import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lfu } from './lfu.ts';

/** Keys that are used once come, each in the place of another, until the key has gone or there were so many. */
function turnoversUntilGone(lfu: Lfu, key: string, resident: number, most: number): number {
  for (let came = 0; came < most * resident; came++) {
    if (lfu.evict() === key) return came / resident;
    lfu.admit(`once-${came}`);
  }
  return most;
}

function filled(keys: number): Lfu {
  const lfu = new Lfu();
  for (let n = 0; n < keys; n++) lfu.admit(`key-${n}`);
  return lfu;
}

function touchTimes(lfu: Lfu, key: string, times: number): void {
  for (let n = 0; n < times; n++) lfu.touch(key);
}

test('the key that was used least goes first', () => {
  const lfu = new Lfu();
  for (const [key, touches] of [
    ['a', 3],
    ['b', 1],
    ['c', 2],
    ['d', 0],
  ] as const) {
    lfu.admit(key);
    touchTimes(lfu, key, touches);
  }
  assert.deepEqual([lfu.evict(), lfu.evict(), lfu.evict(), lfu.evict()], ['d', 'b', 'c', 'a']);
});

test('of keys that were used as often the one that was used least recently goes', () => {
  const lfu = new Lfu();
  for (const key of ['a', 'b', 'c']) lfu.admit(key);
  for (const key of ['c', 'a', 'b']) lfu.touch(key);
  assert.deepEqual([lfu.evict(), lfu.evict(), lfu.evict()], ['c', 'a', 'b']);
});

test('a scan does not push out what was used twice', () => {
  const lfu = filled(100);
  lfu.touch('key-7');
  assert.ok(turnoversUntilGone(lfu, 'key-7', 100, 10) > 1);
});

test('what was hot goes after 33 turnovers without a use, however often it was used', () => {
  for (const touches of [15, 100_000]) {
    const lfu = filled(100);
    touchTimes(lfu, 'key-7', touches);
    const turnovers = turnoversUntilGone(lfu, 'key-7', 100, 100);
    assert.ok(turnovers > 25 && turnovers <= 33, `${turnovers} turnovers`);
  }
});

test('one use each ten turnovers keeps what is hot', () => {
  const lfu = filled(100);
  touchTimes(lfu, 'key-7', 20);
  for (let round = 0; round < 20; round++) {
    assert.equal(turnoversUntilGone(lfu, 'key-7', 100, 10), 10);
    lfu.touch('key-7');
  }
});

test('a key that comes back has no more uses than a new one', () => {
  const lfu = new Lfu();
  lfu.admit('a');
  touchTimes(lfu, 'a', 5);
  lfu.evict();
  lfu.admit('a');
  lfu.admit('b');
  lfu.touch('b');
  assert.equal(lfu.evict(), 'a');
});

test('in a cache that shrinks the oldest key does not become the hottest', () => {
  const lfu = filled(10);
  // With the last of 21 evictions the base rises: all keys but the last lie at it, and new ones above.
  turnoversUntilGone(lfu, 'none', 10, 2.1);
  for (let n = 11; n <= 15; n++) assert.equal(lfu.evict(), `once-${n}`);
  for (const n of [16, 17, 18, 20]) lfu.forget(`once-${n}`);
  lfu.admit('new');
  assert.deepEqual([lfu.evict(), lfu.evict()], ['once-19', 'new']);
});
