import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { type FilePath, isWithin } from './file-path.ts';
import { type LockKind, PathLocks, type WantedLock } from './path-locks.ts';

const MAX_WAIT_MS = 1000;

function file(path: string): WantedLock {
  return { path: path as FilePath, kind: 'file' };
}

function tree(path: string): WantedLock {
  return { path: path as FilePath, kind: 'tree' };
}

function openLocks(): { readonly locks: PathLocks; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { locks: new PathLocks({ clock, maxWaitMs: MAX_WAIT_MS }), clock };
}

/** Whether one who comes later waits for the one before. */
async function conflicts(first: WantedLock, second: WantedLock): Promise<boolean> {
  const { locks } = openLocks();
  let isGranted = false;
  const held = await locks.take([first]);
  const waiting = locks.take([second]).then((lock) => {
    isGranted = true;
    return lock;
  });
  await setImmediate();
  const waited = !isGranted;
  held[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  assert.ok(locks.isIdle);
  return waited;
}

describe('what conflicts', () => {
  const cases: readonly (readonly [WantedLock, WantedLock, boolean])[] = [
    [file('a'), file('a'), true],
    [file('a'), file('b'), false],
    [file('a'), file('a/b'), false],
    [file('a'), file('ab'), false],
    [tree('a'), file('a'), true],
    [tree('a'), file('a/b/c'), true],
    [tree('a'), file('ab'), false],
    [tree('a/b'), file('a'), false],
    [tree('a'), tree('a'), true],
    [tree('a'), tree('a/b'), true],
    [tree('a/b'), tree('a/c'), false],
    [tree(''), file('a/b'), true],
    [tree(''), tree('a'), true],
  ];
  for (const [first, second, expected] of cases)
    test(`${first.kind} "${first.path}" and ${second.kind} "${second.path}": ${expected}`, async () => {
      assert.equal(await conflicts(first, second), expected);
      assert.equal(await conflicts(second, first), expected);
    });
});

test('locks of one request do not conflict with each other', async () => {
  const { locks } = openLocks();
  const held = await locks.take([tree('a'), file('a/b'), file('a/b'), file('c'), tree('')]);
  held[Symbol.dispose]();
  assert.ok(locks.isIdle);
});

test('a request for nothing is granted', async () => {
  const { locks } = openLocks();
  (await locks.take([]))[Symbol.dispose]();
  assert.ok(locks.isIdle);
});

test('two that want the same two files in opposite order both get them', async () => {
  const { locks } = openLocks();
  const ends: string[] = [];
  const work = async (name: string, wanted: readonly WantedLock[]): Promise<void> => {
    using _ = await locks.take(wanted);
    await setImmediate();
    ends.push(name);
  };
  await Promise.all([work('first', [file('a'), file('b')]), work('second', [file('b'), file('a')])]);
  assert.deepEqual(ends, ['first', 'second']);
});

test('who waits keeps those out who conflict with any of what it wants, and nobody else', async () => {
  const { locks } = openLocks();
  const order: string[] = [];
  const held = await locks.take([file('a')]);
  const first = locks.take([file('a'), file('b/c')]).then((lock) => {
    order.push('first');
    lock[Symbol.dispose]();
  });
  const second = locks.take([file('b/c')]).then((lock) => {
    order.push('second');
    lock[Symbol.dispose]();
  });
  (await locks.take([file('b/d')]))[Symbol.dispose]();
  assert.deepEqual(order, []);
  held[Symbol.dispose]();
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second']);
});

test('who waits for a tree is not overtaken by files in it, however many come', async () => {
  const { locks } = openLocks();
  const order: string[] = [];
  const held = await locks.take([file('a/1')]);
  const folder = locks.take([tree('a')]).then((lock) => {
    order.push('tree');
    lock[Symbol.dispose]();
  });
  const files = [2, 3, 4].map(async (name) => {
    using _ = await locks.take([file(`a/${name}`)]);
    order.push('file');
  });
  await setImmediate();
  assert.deepEqual(order, []);
  held[Symbol.dispose]();
  await Promise.all([folder, ...files]);
  assert.deepEqual(order, ['tree', 'file', 'file', 'file']);
});

test('who is not served in time is refused with PATH_BUSY, and those behind go on', async () => {
  const { locks, clock } = openLocks();
  const held = await locks.take([file('a/1')]);
  const late = assert.rejects(locks.take([tree('a')]), { code: 'PATH_BUSY', status: 409, message: /"\/a"/ });
  clock.advance(MAX_WAIT_MS - 1);
  const behind = locks.take([file('a/2')]);
  clock.advance(1);
  await late;
  (await behind)[Symbol.dispose]();
  held[Symbol.dispose]();
  assert.ok(locks.isIdle);
});

test('what was granted is not taken back when the wait would have been over', async () => {
  const { locks, clock } = openLocks();
  const held = await locks.take([file('a')]);
  const waiting = locks.take([file('a')]);
  held[Symbol.dispose]();
  clock.advance(MAX_WAIT_MS);
  (await waiting)[Symbol.dispose]();
  assert.ok(locks.isIdle);
});

test('a lock that is given back twice is given back once', async () => {
  const { locks } = openLocks();
  const first = await locks.take([file('a')]);
  first[Symbol.dispose]();
  const second = await locks.take([file('a')]);
  first[Symbol.dispose]();
  let isGranted = false;
  const third = locks.take([file('a')]).then((lock) => {
    isGranted = true;
    return lock;
  });
  await setImmediate();
  assert.equal(isGranted, false);
  second[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});

/** A request as the model sees it. */
interface Asked {
  readonly wanted: readonly WantedLock[];
  readonly until: number;
  state: 'waiting' | 'held' | 'over';
}

function conflict(a: WantedLock, b: WantedLock): boolean {
  const isIn = (one: WantedLock, other: WantedLock): boolean =>
    other.kind === 'tree' && isWithin(one.path, other.path);
  return a.path === b.path || isIn(a, b) || isIn(b, a);
}

/** Grants what conflicts with nobody who came before and is not over. */
function settle(all: readonly Asked[]): void {
  for (const [index, asked] of all.entries()) {
    if (asked.state !== 'waiting') continue;
    const isFree = all
      .slice(0, index)
      .every(
        (other) =>
          other.state === 'over' || !other.wanted.some((a) => asked.wanted.some((b) => conflict(a, b))),
      );
    if (isFree) asked.state = 'held';
  }
}

test('whatever is taken, given back and waited for: granted is what conflicts with nobody who came before', async () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })
    .map((segments) => segments.join('/') as FilePath);
  const wanted = fc.array(fc.record({ path, kind: fc.constantFrom<LockKind>('file', 'tree') }), {
    maxLength: 3,
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ take: wanted }) },
    { weight: 3, arbitrary: fc.record({ giveBack: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: MAX_WAIT_MS }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { locks, clock } = openLocks();
      const model: Asked[] = [];
      const real: { state: Asked['state']; lock?: Disposable }[] = [];
      for (const done of steps) {
        if ('take' in done) {
          model.push({ wanted: done.take, until: clock.now() + MAX_WAIT_MS, state: 'waiting' });
          const request: (typeof real)[number] = { state: 'waiting' };
          real.push(request);
          locks.take(done.take).then(
            (lock) => Object.assign(request, { state: 'held', lock }),
            () => Object.assign(request, { state: 'over' }),
          );
        } else if ('giveBack' in done) {
          const held = [...model.keys()].filter((index) => model[index]?.state === 'held');
          const index = held[done.giveBack % Math.max(1, held.length)];
          if (index !== undefined) {
            Object.assign(model[index] ?? {}, { state: 'over' });
            Object.assign(real[index] ?? {}, { state: 'over' });
            real[index]?.lock?.[Symbol.dispose]();
          }
        } else {
          clock.advance(done.advance);
          // Those whose time is over leave one after the other, and each lets others in, whose time is not asked then.
          for (const asked of model) {
            if (asked.state === 'waiting' && asked.until <= clock.now()) asked.state = 'over';
            settle(model);
          }
        }
        settle(model);
        await setImmediate();
        assert.deepEqual(
          real.map(({ state }) => state),
          model.map(({ state }) => state),
        );
      }
      for (const { lock } of real) lock?.[Symbol.dispose]();
      clock.advance(MAX_WAIT_MS);
      await setImmediate();
      for (const { lock } of real) lock?.[Symbol.dispose]();
      assert.ok(locks.isIdle);
    }),
    { numRuns: 300 },
  );
});
