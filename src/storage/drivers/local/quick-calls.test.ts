import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { QUICK_BYTES, QUICK_CALLS_A_TURN, QuickCalls } from './quick-calls.ts';

const clock = new ManualClock();
const calls = new QuickCalls(clock);

/** How a call that takes so long was made. */
function madeIn(ms: number): 'at once' | 'later' {
  let made: 'at once' | 'later' = 'later';
  void calls.run(
    () => {
      made = 'at once';
      clock.advance(ms);
    },
    async () => {},
  );
  return made;
}

test('calls are made at once while they are quick, and one stall of some milliseconds changes nothing', () => {
  for (const ms of [0.01, 0.2, 10, 0.1, 0.1]) assert.equal(madeIn(ms), 'at once');
});

test('a slow file system is asked through the pool for a second, and again twice as long each time it is still slow', () => {
  assert.equal(madeIn(40), 'at once');
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    assert.equal(madeIn(0.1), 'later');
    clock.advance(seconds * 1000 - 1);
    assert.equal(madeIn(0.1), 'later');
    clock.advance(1);
    assert.equal(madeIn(40), 'at once');
  }
});

test('once it has been quick again for as long as it was slow, the next pause is a second', () => {
  clock.advance(60_000);
  assert.equal(madeIn(0.1), 'at once');
  clock.advance(60_001);
  assert.equal(madeIn(0.1), 'at once');
  assert.equal(madeIn(40), 'at once');
  assert.equal(madeIn(0.1), 'later');
  clock.advance(1_000);
  assert.equal(madeIn(0.1), 'at once');
});

test('a file that is not there is none, at once and later; what cannot be looked into is an error', async () => {
  await using folder = await openTempFolder();
  const file = join(folder.path, 'file');
  writeFileSync(file, 'x');
  for (const ms of [0, 40]) {
    madeIn(ms);
    assert.equal(await calls.openThere(join(folder.path, 'missing')), undefined);
    const found = await calls.openThere(file);
    assert.ok(found !== undefined);
    closeSync(found);
    assert.equal(await calls.openThere(join(folder.path, 'no', 'folder')), undefined);
    await assert.rejects(calls.openThere(join(file, 'below')), { code: 'ENOTDIR' });
  }
  assert.equal(madeIn(0), 'later');
  clock.advance(60_000);
});

test('after some hundred calls in a row somebody else has a turn', async () => {
  const busy = new QuickCalls(clock);
  const made = (): string | Promise<string> =>
    busy.run(
      () => 'at once',
      async () => 'later',
    );
  for (let i = 0; i < QUICK_CALLS_A_TURN; i++) assert.equal(made(), 'at once');
  assert.equal(await made(), 'later');
  await setImmediate();
  assert.equal(made(), 'at once');
});

test('a file system that may fall silent is never called at once', async () => {
  const careful = new QuickCalls(clock, true);
  const made = await careful.run(
    () => 'at once',
    async () => 'later',
  );
  assert.equal(made, 'later');
});

test('what fails at once fails as what fails later does', async () => {
  await using folder = await openTempFolder();
  const missing = join(folder.path, 'missing');
  await assert.rejects(calls.open(missing, 'r'), { code: 'ENOENT' });
  assert.equal(madeIn(40), 'at once');
  assert.equal(madeIn(0), 'later');
  await assert.rejects(calls.open(missing, 'r'), { code: 'ENOENT' });
});

for (const [how, length] of [
  ['small', 10],
  ['of just more than is written at once', QUICK_BYTES + 1],
] as const)
  test(`chunks of a file ${how} are written in order and read back`, async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'file');
    const fresh = new QuickCalls(clock);
    const [first, second] = [Buffer.alloc(length, 'a'), Buffer.from('end')];
    const file = await fresh.open(path, 'wx');
    await fresh.write(file, [first, Buffer.alloc(0), second]);
    await fresh.closeWritten(file, length + 3);
    assert.deepEqual(readFileSync(path), Buffer.concat([first, second]));
    const read = openSync(path, 'r');
    assert.deepEqual(await fresh.read(read, 0, length + 100), Buffer.concat([first, second]));
    assert.deepEqual(await fresh.read(read, length, 2), Buffer.from('en'));
    closeSync(read);
  });
