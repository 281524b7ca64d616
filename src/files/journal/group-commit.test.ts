import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCommit } from './group-commit.ts';

/** Commits that end when the test says so. */
function heldCommits() {
  const under: { drafts: readonly number[]; end: (error?: Error) => void }[] = [];
  const commits = new GroupCommit<number, string>((drafts) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const end = (error?: Error) => (error ? reject(error) : resolve(drafts.map(String)));
    under.push({ drafts, end });
    return promise;
  });
  return { commits, under };
}

test('what comes while a write is under way goes into the next one together', async () => {
  const { commits, under } = heldCommits();
  const first = commits.add([1]);
  const rest = [commits.add([2]), commits.add([3, 4]), commits.add([5])];
  assert.deepEqual(under[0]?.drafts, [1]);
  under[0]?.end();
  assert.deepEqual(await first, ['1']);
  assert.deepEqual(under[1]?.drafts, [2, 3, 4, 5]);
  under[1]?.end();
  assert.deepEqual(await Promise.all(rest), [['2'], ['3', '4'], ['5']]);
  assert.equal(under.length, 2);
});

test('a write that fails fails all that are in it, and no later one', async () => {
  const { commits, under } = heldCommits();
  const first = commits.add([1]);
  const second = commits.add([2]);
  under[0]?.end(new Error('full'));
  await assert.rejects(first, /full/);
  under[1]?.end();
  assert.deepEqual(await second, ['2']);
});

test('it is settled when what was added before is done with, though more has come and though it failed', async () => {
  const { commits, under } = heldCommits();
  await commits.settled();
  const first = commits.add([1]);
  const settled = commits.settled();
  under[0]?.end(new Error('full'));
  await assert.rejects(first);
  const later = commits.add([2]);
  under[1]?.end();
  await settled;
  under[2]?.end();
  assert.deepEqual(await later, ['2']);
});

test('more than one write has room for goes into several, and what was added at once stays together', async () => {
  const { commits, under } = heldCommits();
  void commits.add([0]);
  const many = Array.from({ length: 5000 }, (_, i) => i);
  const added = [commits.add([1]), commits.add(many), commits.add([2])];
  under[0]?.end();
  for (let at = 1; at <= 3; at++) {
    await new Promise(setImmediate);
    under[at]?.end();
  }
  await Promise.all(added);
  assert.deepEqual(
    under.map(({ drafts }) => drafts.length),
    [1, 1, 5000, 1],
  );
});
