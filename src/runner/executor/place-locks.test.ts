import assert from 'node:assert/strict';
import { readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { formatIdentity, thisProcess } from '../../base/process-identity.ts';
import { PlaceLocks } from './place-locks.ts';

const NEVER = new AbortController().signal;

function locksIn(folder: string, clock = new ManualClock(Date.now())) {
  const waitedFor: string[] = [];
  const locks = new PlaceLocks({ folder, clock, onWait: (place) => waitedFor.push(place) });
  return { locks, clock, waitedFor };
}

/** Puts somebody else's name on the one place that is held. */
function handOver(folder: string, holder: string): void {
  const [name = ''] = readdirSync(folder);
  unlinkSync(join(folder, name));
  symlinkSync(holder, join(folder, name));
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe('PlaceLocks', () => {
  test('of one run one after the other works in a place, in the order they came', async () => {
    await using folder = await openTempFolder();
    const { locks, waitedFor } = locksIn(folder.path);
    const order: string[] = [];
    const work = async (name: string, places: string[]): Promise<void> => {
      using held = await locks.hold(places, NEVER);
      assert.equal(held?.waited, false);
      order.push(`${name} in`);
      await turn();
      order.push(`${name} out`);
    };
    await Promise.all([work('a', ['y']), work('b', ['y']), work('c', ['z'])]);
    assert.deepEqual(
      order.filter((step) => !step.startsWith('c')),
      ['a in', 'a out', 'b in', 'b out'],
    );
    assert.deepEqual(waitedFor, []);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('a place that another run holds is waited for, and that is said once', async () => {
    await using folder = await openTempFolder();
    const [first, second] = [locksIn(folder.path), locksIn(folder.path)];
    const held = await first.locks.hold(['x'], NEVER);
    const waiting = second.locks.hold(['x'], NEVER);
    for (let i = 0; i < 3; i++) {
      await turn();
      second.clock.advance(50);
    }
    assert.deepEqual(second.waitedFor, ['x']);
    held?.[Symbol.dispose]();
    await turn();
    second.clock.advance(50);
    using now = await waiting;
    assert.equal(now?.waited, true);
  });

  test('an abort ends the waiting', async () => {
    await using folder = await openTempFolder();
    const [first, second] = [locksIn(folder.path), locksIn(folder.path)];
    using _held = await first.locks.hold(['x'], NEVER);
    const abort = new AbortController();
    const waiting = second.locks.hold(['x'], abort.signal);
    await turn();
    abort.abort();
    assert.equal(await waiting, undefined);
  });

  test('the lock of a process that is gone is taken over', async () => {
    await using folder = await openTempFolder();
    const { locks } = locksIn(folder.path);
    await locks.hold(['x'], NEVER);
    handOver(folder.path, formatIdentity({ ...thisProcess(), pid: 2 ** 31 - 1 }));
    using held = await locksIn(folder.path).locks.hold(['x'], NEVER);
    assert.equal(held?.waited, false);
  });

  test('the lock of another machine is taken over after ten minutes, not before', async () => {
    await using folder = await openTempFolder();
    await locksIn(folder.path).locks.hold(['x'], NEVER);
    handOver(folder.path, formatIdentity({ host: 'elsewhere', pid: 1, began: '' }));
    const { locks, clock, waitedFor } = locksIn(folder.path);
    const waiting = locks.hold(['x'], NEVER);
    await turn();
    clock.advance(599_000);
    await turn();
    assert.deepEqual(waitedFor, ['x']);
    clock.advance(2_000);
    using held = await waiting;
    assert.equal(held?.waited, true);
  });

  test('where locks cannot be made nobody waits', async () => {
    await using folder = await openTempFolder();
    writeFileSync(join(folder.path, 'file'), '');
    const { locks } = locksIn(join(folder.path, 'file', 'locks'));
    using held = await locks.hold(['x'], NEVER);
    assert.equal(held?.waited, false);
  });
});
