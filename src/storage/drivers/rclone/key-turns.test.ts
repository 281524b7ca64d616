import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { KeyTurns } from './key-turns.ts';

test('who has the same key goes one after the other, in the order they came; others side by side', async () => {
  const turns = new KeyTurns();
  const began: string[] = [];
  const { promise: first, resolve: endFirst } = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async (): Promise<string> => {
    began.push(name);
    await until;
    return name;
  };
  const results = [
    turns.run('a', work('a1', first)),
    turns.run('a', work('a2')),
    turns.run('b', work('b1')),
    turns.run('a', work('a3')),
  ];
  await setImmediate();
  assert.deepEqual(began, ['a1', 'b1']);
  endFirst();
  assert.deepEqual(await Promise.all(results), ['a1', 'a2', 'b1', 'a3']);
  assert.deepEqual(began, ['a1', 'b1', 'a2', 'a3']);
});

test('a turn that fails is its own alone', async () => {
  const turns = new KeyTurns();
  const failed = turns.run('a', () => Promise.reject(new Error('failed')));
  const next = turns.run('a', async () => 'next');
  await assert.rejects(failed, /failed/);
  assert.equal(await next, 'next');
});
