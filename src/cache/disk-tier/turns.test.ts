import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Turns } from './turns.ts';

const turn = (): Promise<void> => new Promise(setImmediate);

describe('Turns', () => {
  test('work on one name is done one after the other, on another at once', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const work = (name: string, what: string) =>
      turns.run(name, async () => {
        order.push(`${what} in`);
        await turn();
        order.push(`${what} out`);
      });
    await Promise.all([work('a', '1'), work('a', '2'), work('b', '3')]);
    assert.deepEqual(
      order.filter((each) => !each.startsWith('3')),
      ['1 in', '1 out', '2 in', '2 out'],
    );
    assert.equal(order.indexOf('3 in'), 1);
  });

  test('work that fails says so to its caller and holds nobody up', async () => {
    const turns = new Turns();
    const failing = turns.run('a', () => Promise.reject(new Error('no')));
    const next = turns.run('a', async () => 'done');
    await assert.rejects(failing, { message: 'no' });
    assert.equal(await next, 'done');
  });

  test('nothing is remembered of names whose work is done', async () => {
    const turns = new Turns();
    const done = turns.run('a', turn);
    assert.ok(turns.pending('a'));
    await done;
    await turns.idle();
    assert.equal(turns.pending('a'), undefined);
  });
});
