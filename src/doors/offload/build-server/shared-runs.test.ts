import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SharedRuns } from './shared-runs.ts';

/** Runs that the test ends by hand. */
function opened() {
  const runs = new SharedRuns<string>();
  const started: { readonly signal: AbortSignal; readonly done: PromiseWithResolvers<string> }[] = [];
  const ask = (key = 'k') => {
    const asker = new AbortController();
    const answer = runs.join(key, asker.signal, (signal) => {
      const done = Promise.withResolvers<string>();
      started.push({ signal, done });
      signal.addEventListener('abort', () => done.reject(signal.reason));
      return done.promise;
    });
    answer.catch(() => {}); // each test says what it expects
    return { answer, leave: (reason: string) => asker.abort(new Error(reason)) };
  };
  return { runs, started, ask };
}

describe('shared runs', () => {
  test('one key, one run; another key, another', async () => {
    const { started, ask } = opened();
    const asked = [ask(), ask(), ask('other')];
    assert.equal(started.length, 2);
    for (const [index, { done }] of started.entries()) done.resolve(`run ${index}`);
    assert.deepEqual(await Promise.all(asked.map(({ answer }) => answer)), ['run 0', 'run 0', 'run 1']);
    ask();
    assert.equal(started.length, 3);
  });

  test('an asker who leaves is told so, and the run goes on for the others', async () => {
    const { started, ask } = opened();
    const [one, two] = [ask(), ask()];
    one.leave('gone');
    await assert.rejects(one.answer, /gone/);
    assert.equal(started[0]?.signal.aborted, false);
    started[0]?.done.resolve('built');
    assert.equal(await two.answer, 'built');
  });

  test('when all have left it ends, and who comes then begins anew', async () => {
    const { runs, started, ask } = opened();
    const asked = [ask(), ask()];
    for (const { leave } of asked) leave('gone');
    assert.equal(started[0]?.signal.aborted, true);
    const late = ask();
    assert.equal(started.length, 2);
    started[1]?.done.resolve('built');
    assert.equal(await late.answer, 'built');
    await runs.idle();
  });

  test('the end of all is told to all, and awaited', async () => {
    const { runs, ask } = opened();
    const asked = [ask(), ask('other')];
    runs.endAll(new Error('the end'));
    await runs.idle();
    for (const { answer } of asked) await assert.rejects(answer, /the end/);
  });
});
