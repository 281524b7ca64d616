import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLimit } from './connection-limit.ts';

test('as many have a slot as there are; of the others the first gets the one that is released', () => {
  const limit = new ConnectionLimit(2);
  const acquired: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) limit.acquire(() => acquired.push(name) > 0);
  assert.deepEqual(acquired, ['a', 'b']);
  assert.equal(limit.isWanted, true);
  limit.release();
  assert.deepEqual(acquired, ['a', 'b', 'c']);
  limit.release();
  assert.equal(limit.isWanted, false);
  limit.release();
  limit.acquire(() => acquired.push('e') > 0);
  assert.deepEqual(acquired, ['a', 'b', 'c', 'd', 'e']);
});

test('it is the turn of who has waited for longest', () => {
  const limit = new ConnectionLimit(1);
  const [first, second] = [() => true, () => true];
  limit.acquire(() => true);
  limit.acquire(first);
  limit.acquire(second);
  assert.deepEqual([limit.isNext(first), limit.isNext(second)], [true, false]);
});

test('a slot that is not wanted any more is the next one’s', () => {
  const limit = new ConnectionLimit(1);
  const acquired: string[] = [];
  for (const [name, isWanted] of [
    ['a', true],
    ['b', false],
    ['c', false],
    ['d', true],
    ['e', false],
  ] as const)
    limit.acquire(() => {
      acquired.push(name);
      return isWanted;
    });
  limit.release();
  assert.deepEqual(acquired, ['a', 'b', 'c', 'd']);
  limit.release();
  limit.acquire(() => acquired.push('f') > 0);
  assert.deepEqual(acquired.slice(4), ['e', 'f']);
});

test('who no longer waits gets no slot', () => {
  const limit = new ConnectionLimit(1);
  const acquired: string[] = [];
  limit.acquire(() => acquired.push('a') > 0);
  const stopWaiting = limit.acquire(() => acquired.push('b') > 0);
  limit.acquire(() => acquired.push('c') > 0);
  stopWaiting();
  limit.release();
  assert.deepEqual(acquired, ['a', 'c']);
});

test('who finds no slot has one connection closed that nobody uses', () => {
  const limit = new ConnectionLimit(1);
  const asked: string[] = [];
  for (const [name, hasIdle] of [
    ['busy', false],
    ['idle', true],
    ['never asked', true],
  ] as const)
    limit.join({
      closeIdle: () => {
        asked.push(name);
        return hasIdle;
      },
    });
  limit.acquire(() => true);
  assert.deepEqual(asked, []);
  limit.acquire(() => true);
  assert.deepEqual(asked, ['busy', 'idle']);
});
