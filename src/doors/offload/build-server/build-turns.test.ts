import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BuildTurns } from './build-turns.ts';

const never = new AbortController().signal;

describe('turns', () => {
  test('beyond the width they wait, in the order in which they came', async () => {
    const turns = new BuildTurns(1, 2);
    const first = await turns.take(never);
    const order: string[] = [];
    const [b, c] = ['b', 'c'].map((name) =>
      turns.take(never).then((turn) => {
        order.push(name);
        turn[Symbol.dispose]();
      }),
    );
    assert.deepEqual([turns.running, turns.waiting], [1, 2]);
    first[Symbol.dispose]();
    await Promise.all([b, c]);
    assert.deepEqual([order, turns.running, turns.waiting], [['b', 'c'], 0, 0]);
  });

  test('beyond the queue they are refused', async () => {
    const turns = new BuildTurns(1, 0);
    await turns.take(never);
    await assert.rejects(turns.take(never), { code: 'BUILDS_EXHAUSTED' });
  });

  test('who leaves the queue makes room in it, and gets no turn', async () => {
    const turns = new BuildTurns(1, 1);
    const first = await turns.take(never);
    const leaving = new AbortController();
    const left = turns.take(leaving.signal);
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    const next = turns.take(never);
    first[Symbol.dispose]();
    (await next)[Symbol.dispose]();
    assert.equal(turns.running, 0);
  });
});
