import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionRoom } from './connection-room.ts';

test('as many enter as there are places; of the others the first goes in when one is left', () => {
  const room = new ConnectionRoom(2);
  const entered: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) room.enter(() => entered.push(name) > 0);
  assert.deepEqual(entered, ['a', 'b']);
  assert.equal(room.isWanted, true);
  room.leave();
  assert.deepEqual(entered, ['a', 'b', 'c']);
  room.leave();
  assert.equal(room.isWanted, false);
  room.leave();
  room.enter(() => entered.push('e') > 0);
  assert.deepEqual(entered, ['a', 'b', 'c', 'd', 'e']);
});

test('it is the turn of who has waited for longest', () => {
  const room = new ConnectionRoom(1);
  const [first, second] = [() => true, () => true];
  room.enter(() => true);
  room.enter(first);
  room.enter(second);
  assert.deepEqual([room.isNext(first), room.isNext(second)], [true, false]);
});

test('a place that is not wanted any more is the next one’s', () => {
  const room = new ConnectionRoom(1);
  const entered: string[] = [];
  for (const [name, isWanted] of [
    ['a', true],
    ['b', false],
    ['c', false],
    ['d', true],
    ['e', false],
  ] as const)
    room.enter(() => {
      entered.push(name);
      return isWanted;
    });
  room.leave();
  assert.deepEqual(entered, ['a', 'b', 'c', 'd']);
  room.leave();
  room.enter(() => entered.push('f') > 0);
  assert.deepEqual(entered.slice(4), ['e', 'f']);
});

test('who no longer waits gets no place', () => {
  const room = new ConnectionRoom(1);
  const entered: string[] = [];
  room.enter(() => entered.push('a') > 0);
  const leave = room.enter(() => entered.push('b') > 0);
  room.enter(() => entered.push('c') > 0);
  leave();
  room.leave();
  assert.deepEqual(entered, ['a', 'c']);
});

test('who finds no place has one connection closed that nobody uses', () => {
  const room = new ConnectionRoom(1);
  const asked: string[] = [];
  for (const [name, hasIdle] of [
    ['busy', false],
    ['idle', true],
    ['never asked', true],
  ] as const)
    room.join({
      closeIdle: () => {
        asked.push(name);
        return hasIdle;
      },
    });
  room.enter(() => true);
  assert.deepEqual(asked, []);
  room.enter(() => true);
  assert.deepEqual(asked, ['busy', 'idle']);
});
