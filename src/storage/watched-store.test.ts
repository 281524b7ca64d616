import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StubStore } from '../../test/rig/stub-store.ts';
import { parseObjectKey } from './object-key.ts';
import { WatchedStore } from './watched-store.ts';

const KEY = parseObjectKey('a/b');

test('what is deleted or replaced is told of before and after; reads and writes that lost change nothing', async () => {
  const told: string[] = [];
  const below = new StubStore();
  const store = new WatchedStore(below, (key) => void told.push(key));
  below.outcome = 'exists';
  await store.put(KEY, Buffer.from('x'), { ifAbsent: true });
  await store.head(KEY);
  await store.get(KEY);
  assert.deepEqual(told, []);
  await store.put(KEY, Buffer.from('y'), { ifAbsent: false });
  assert.deepEqual(told, [KEY, KEY]);
  await store.delete(KEY);
  assert.deepEqual(told, [KEY, KEY, KEY, KEY]);
});

test('a first write is told of: what was known of its key was of something that is gone', async () => {
  const told: string[] = [];
  const store = new WatchedStore(new StubStore(), (key) => void told.push(key));
  await store.put(KEY, Buffer.from('x'), { ifAbsent: true });
  assert.deepEqual(told, [KEY]);
});

test('a change that fails may have been made all the same', async () => {
  const told: string[] = [];
  class Failing extends StubStore {
    override async delete(): Promise<void> {
      throw new Error('lost reply');
    }
  }
  const store = new WatchedStore(new Failing(), (key) => void told.push(key));
  await assert.rejects(store.delete(KEY), /lost reply/);
  assert.deepEqual(told, [KEY, KEY]);
});
