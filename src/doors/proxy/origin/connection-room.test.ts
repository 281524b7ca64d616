import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionRoom } from './connection-room.ts';

test('as many enter as there are places; of the others the first goes in when one is left', () => {
  const room = new ConnectionRoom(2);
  const entered: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) room.enter(() => entered.push(name));
  assert.deepEqual(entered, ['a', 'b']);
  assert.equal(room.isWanted, true);
  room.leave();
  assert.deepEqual(entered, ['a', 'b', 'c']);
  room.leave();
  assert.equal(room.isWanted, false);
  room.leave();
  room.enter(() => entered.push('e'));
  assert.deepEqual(entered, ['a', 'b', 'c', 'd', 'e']);
});

test('who no longer waits gets no place', () => {
  const room = new ConnectionRoom(1);
  const entered: string[] = [];
  room.enter(() => entered.push('a'));
  const leave = room.enter(() => entered.push('b'));
  room.enter(() => entered.push('c'));
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
  room.enter(() => {});
  assert.deepEqual(asked, []);
  room.enter(() => {});
  assert.deepEqual(asked, ['busy', 'idle']);
});
