import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEY } from '../../../test/rig/artifacts.ts';
import type { RunSummary, TaskOutcome } from '../../runner/events.ts';
import { taskId } from '../../runner/task-graph/task.ts';
import { describeOutcome, describeSummary } from './wording.ts';

const SHORT = KEY.slice(0, 12);

describe('describeOutcome', () => {
  const hit = { status: 'hit', savedMs: 14_300, durationMs: 5, sizeBytes: 1536 } as const;
  const cases: readonly (readonly [outcome: TaskOutcome, words: string])[] = [
    [{ ...hit, source: 'unchanged' }, `unchanged, saved 14.3 s (${SHORT})`],
    [{ ...hit, source: 'local' }, `hit (local, 1.5 KiB, 5 ms), saved 14.3 s (${SHORT})`],
    [{ ...hit, source: 'remote' }, `hit (remote, 1.5 KiB, 5 ms), saved 14.3 s (${SHORT})`],
    [{ status: 'executed', durationMs: 1500, stored: 'stored' }, `ran in 1.5 s (${SHORT})`],
    [
      { status: 'executed', durationMs: 1500, stored: 'cache-off' },
      `ran in 1.5 s, not cached: its cache is off (${SHORT})`,
    ],
    [
      { status: 'executed', durationMs: 1500, stored: 'not-writable' },
      `ran in 1.5 s, not cached: no cache may be written (${SHORT})`,
    ],
    [
      { status: 'executed', durationMs: 1500, stored: 'inputs-changed' },
      `ran in 1.5 s, not cached: its inputs changed while it ran (${SHORT})`,
    ],
    [
      { status: 'executed', durationMs: 1500, stored: 'uncacheable-output' },
      `ran in 1.5 s, not cached: an output cannot be kept (${SHORT})`,
    ],
    [
      { status: 'executed', durationMs: 1500, stored: 'store-failed' },
      `ran in 1.5 s, not cached: it could not be stored (${SHORT})`,
    ],
    [{ status: 'failed', exitCode: 3, durationMs: 20 }, `failed with exit code 3 after 20 ms (${SHORT})`],
    [{ status: 'interrupted' }, 'interrupted'],
    [{ status: 'passed-over', why: 'dependency-failed' }, 'not run: a task it needs failed'],
    [{ status: 'passed-over', why: 'run-stopped' }, 'not run: another task failed'],
    [{ status: 'passed-over', why: 'interrupted' }, 'not run: interrupted'],
  ];
  for (const [outcome, words] of cases) {
    test(`it says: ${words}`, () => {
      assert.equal(describeOutcome(outcome, KEY), words);
    });
  }
});

describe('describeSummary', () => {
  const NOTHING: RunSummary = {
    tasks: 0,
    hits: { unchanged: 0, local: 0, remote: 0 },
    executed: 0,
    failed: [],
    passedOver: 0,
    savedMs: 0,
    durationMs: 85,
    exitCode: 0,
  };

  test('each number is told where there is one', () => {
    const summary: RunSummary = {
      ...NOTHING,
      tasks: 9,
      hits: { unchanged: 1, local: 2, remote: 1 },
      executed: 3,
      failed: [taskId('web', 'build')],
      passedOver: 1,
      savedMs: 61_000,
    };
    assert.equal(
      describeSummary(summary),
      '9 tasks · 4 hits (1 unchanged, 2 local, 1 remote) · 3 ran · 1 failed · 1 not run · saved 1 m 01 s · 85 ms',
    );
  });

  test('one is one', () => {
    const hits = { unchanged: 0, local: 1, remote: 0 };
    assert.match(describeSummary({ ...NOTHING, tasks: 1, hits }), /^1 task · 1 hit \(1 local\) · /);
  });

  test('where everything was a hit that is said', () => {
    const hits = { unchanged: 2, local: 0, remote: 0 };
    assert.match(describeSummary({ ...NOTHING, tasks: 2, hits }), / · full velocity$/);
    assert.doesNotMatch(describeSummary({ ...NOTHING, tasks: 3, hits, executed: 1 }), /full velocity/);
  });

  test('a run of nothing was no full velocity', () => {
    assert.equal(describeSummary(NOTHING), '0 tasks · 85 ms');
  });
});
