import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Room, type Shortage } from './room.ts';

/** A room full of entries of ten bytes, whose removal is done when the test says so. */
function fullRoom(
  entries: number,
  limits = { maxBytes: entries * 10, maxEntries: Number.POSITIVE_INFINITY },
) {
  const evicted: Shortage[] = [];
  const removals: (() => void)[] = [];
  const room = new Room(limits, async (shortage) => {
    if (evicted.length === entries) return false;
    evicted.push(shortage);
    await new Promise<void>((done) => removals.push(done));
    room.remove(10);
    return true;
  });
  for (let i = 0; i < entries; i++) room.add(10);
  return { room, evicted, removals };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe('Room', () => {
  test('is reserved when the last removal is done, not before', async () => {
    const { room, evicted, removals } = fullRoom(5);
    let isReserved = false;
    const reserved = room.reserve(15).then(() => {
      isReserved = true;
    });
    await turn();
    removals[0]?.();
    await turn();
    assert.deepEqual([isReserved, evicted.length, room.bytes], [false, 2, 40]);
    removals[1]?.();
    await reserved;
    assert.equal(room.bytes, 45);
  });

  test('two who want some at once do not evict for each other', async () => {
    const { room, evicted, removals } = fullRoom(5);
    const both = Promise.all([room.reserve(5), room.reserve(5)]);
    await turn();
    removals[0]?.();
    assert.deepEqual(await both, [true, true]);
    assert.equal(evicted.length, 1);
  });

  test('what could not be had with all entries gone evicts none', async () => {
    const { room, evicted, removals } = fullRoom(5);
    assert.equal(await room.reserve(51), false);
    const first = room.reserve(10);
    removals[0]?.();
    await first;
    assert.equal(await room.reserve(41), false);
    assert.equal(evicted.length, 1);
  });

  test('says which limit was reached', async () => {
    const { room, evicted, removals } = fullRoom(3, { maxBytes: 1000, maxEntries: 3 });
    const reserved = room.reserve(1);
    removals[0]?.();
    assert.equal(await reserved, true);
    assert.deepEqual(evicted, ['entries']);
  });

  test('where nothing can be removed there is none, and the next one is not held up', async () => {
    const room = new Room({ maxBytes: 10, maxEntries: 10 }, async () => false);
    room.add(10);
    assert.deepEqual(await Promise.all([room.reserve(1), room.reserve(0)]), [false, true]);
    await room.enforce();
  });
});
